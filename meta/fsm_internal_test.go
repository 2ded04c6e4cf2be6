package meta

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/hashicorp/raft"
	"pgregory.net/rapid"

	"shardproxy/meta/topology"
)

func entryOf(t interface{ Fatal(...any) }, c topology.Command) []byte {
	entry, err := topology.EncodeCommand(c, 0)
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

func setUser(name string) topology.Command {
	return topology.SetUser{User: topology.User{Name: name, Secret: "s"}}
}

func bootstrap() topology.Command {
	return topology.BootstrapCluster{ClusterID: "c", Peers: []*topology.Peer{{ID: "p1", Voter: true, Incarnation: 1, Commands: 1}}}
}

// feed applies proposals to a state as Raft would.
type feed struct {
	fsm   *fsm
	index uint64
}

var ours = lineage{1}

func (f *feed) apply(p *proposal) outcome {
	f.index++
	if p.lineage == (lineage{}) {
		p.lineage = ours
	}
	o, _ := f.fsm.Apply(&raft.Log{Index: f.index, Data: p.encode()}).(outcome)
	return o
}

func TestProposalIsAppliedOnce(t *testing.T) {
	f := &feed{fsm: newFSM()}
	if o := f.apply(&proposal{id: newProposalID(), entry: entryOf(t, bootstrap())}); o.err != nil {
		t.Fatal(o.err)
	}
	sent := &proposal{id: newProposalID(), since: f.index, entry: entryOf(t, setUser("ada"))}
	was := f.apply(sent)
	f.apply(&proposal{id: newProposalID(), since: f.index, entry: entryOf(t, topology.RemoveUser{Name: "ada"})})
	again := f.apply(sent)
	if again.err != nil || again != was || !was.applied.changed {
		t.Errorf("sent again: %+v, want %+v", again, was)
	}
	if value := f.fsm.value(); value.Users["ada"] != nil || value.Epoch != 3 {
		t.Errorf("users %v at epoch %d: it was applied again", value.Users, value.Epoch)
	}
}

// TestForgottenProposal: beyond what is remembered nobody can say whether it was
// applied, so it is not.
func TestForgottenProposal(t *testing.T) {
	f := &feed{fsm: newFSM()}
	f.apply(&proposal{id: newProposalID(), entry: entryOf(t, bootstrap())})
	sent := &proposal{id: newProposalID(), since: f.index, entry: entryOf(t, setUser("ada"))}
	f.apply(sent)
	for i := range proposalsKept {
		o := f.apply(&proposal{id: newProposalID(), since: f.index, entry: entryOf(t, setUser(fmt.Sprintf("user-%d", i)))})
		if o.err != nil {
			t.Fatal(o.err)
		}
	}
	epoch := f.fsm.value().Epoch
	if o := f.apply(sent); !errors.Is(o.err, ErrUnknownOutcome) || !errors.Is(o.err, errForgotten) {
		t.Errorf("sent again too late: %+v", o)
	}
	fresh := &proposal{id: newProposalID(), since: f.index, entry: entryOf(t, setUser("bob"))}
	if o := f.apply(fresh); o.err != nil || o.applied.epoch != epoch+1 {
		t.Errorf("a new one: %+v", o)
	}
}

// TestUnreadableEntry: the state stops for good and takes no snapshot, so that
// the log stays.
func TestUnreadableEntry(t *testing.T) {
	newer := bytes.Replace(entryOf(t, setUser("ada")), []byte(`"version":1`), []byte(`"version":9`), 1)
	unreadable := map[string][]byte{
		"a newer form":    {9, 9, 9},
		"nothing":         {},
		"a newer command": (&proposal{lineage: ours, id: newProposalID(), entry: newer}).encode(),
		"no command":      (&proposal{lineage: ours, id: newProposalID(), entry: []byte("{}")}).encode(),
		"another lineage": (&proposal{lineage: lineage{2}, id: newProposalID(), entry: entryOf(t, setUser("ada"))}).encode(),
	}
	for name, data := range unreadable {
		t.Run(name, func(t *testing.T) {
			f := &feed{fsm: newFSM()}
			f.apply(&proposal{id: newProposalID(), entry: entryOf(t, bootstrap())})
			value := f.fsm.value()
			f.index++
			if o, _ := f.fsm.Apply(&raft.Log{Index: f.index, Data: data}).(outcome); o.err == nil {
				t.Fatal("no error")
			}
			o := f.apply(&proposal{id: newProposalID(), entry: entryOf(t, setUser("bob"))})
			if o.err == nil || f.fsm.value() != value {
				t.Errorf("%+v: it went on after an entry that it could not read", o)
			}
			if _, err := f.fsm.Snapshot(); err == nil {
				t.Error("it takes a snapshot")
			}
			if _, broken := f.fsm.state(); broken == nil {
				t.Error("it does not say so")
			}
		})
	}
}

// TestStatesAgree: the same entries lead to the same bytes, with snapshots,
// restores and repeated proposals in between.
func TestStatesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, two := &feed{fsm: newFSM()}, &feed{fsm: newFSM()}
		sent := []*proposal{{id: newProposalID(), entry: entryOf(t, bootstrap())}}
		one.apply(sent[0])
		two.apply(sent[0])
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			next := &proposal{id: newProposalID(), since: one.index}
			name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "user")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				next = rapid.SampledFrom(sent).Draw(t, "again")
			case 1:
				next.entry = entryOf(t, topology.RemoveUser{Name: name})
			case 2:
				next.entry = entryOf(t, setUser(name))
			case 3:
				two = restored(t, two)
				continue
			}
			sent = append(sent, next)
			a, b := one.apply(next), two.apply(next)
			if a.applied != b.applied || (a.err == nil) != (b.err == nil) {
				t.Fatalf("outcomes differ: %+v and %+v", a, b)
			}
		}
		if a, b := stateBytes(t, one.fsm), stateBytes(t, two.fsm); !bytes.Equal(a, b) {
			t.Fatalf("states differ:\n%s\n%s", a, b)
		}
	})
}

func restored(t interface{ Fatal(...any) }, f *feed) *feed {
	next := &feed{fsm: newFSM(), index: f.index}
	if err := next.fsm.Restore(io.NopCloser(bytes.NewReader(stateBytes(t, f.fsm)))); err != nil {
		t.Fatal(err)
	}
	return next
}

func stateBytes(t interface{ Fatal(...any) }, f *fsm) []byte {
	snapshot, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Release()
	sink := &memorySink{}
	if err := snapshot.Persist(sink); err != nil || !sink.closed {
		t.Fatal("persist:", err)
	}
	return sink.Bytes()
}

type memorySink struct {
	bytes.Buffer
	closed bool
}

func (s *memorySink) Close() error  { s.closed = true; return nil }
func (s *memorySink) ID() string    { return "1" }
func (s *memorySink) Cancel() error { return nil }

func TestAllKnow(t *testing.T) {
	value := &topology.Topology{Peers: map[topology.PeerID]*topology.Peer{"new": {Commands: 3}, "old": {Commands: 2}}}
	for version, want := range map[int]error{1: nil, 2: nil, 3: ErrVersion} {
		if err := allKnow(value, version); !errors.Is(err, want) {
			t.Errorf("version %d: %v, want %v", version, err, want)
		}
	}
}

// FuzzState: no content of a snapshot panics, and what is read is written alike.
func FuzzState(f *testing.F) {
	state := newFSM()
	state.Apply(&raft.Log{Index: 1, Data: (&proposal{entry: entryOf(f, bootstrap())}).encode()})
	whole := stateBytes(f, state)
	f.Add(whole)
	f.Add(whole[:len(stateHeader)+3])
	f.Add([]byte(stateHeader))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		s := newFSM()
		if err := s.Restore(io.NopCloser(bytes.NewReader(content))); err != nil {
			if value, _ := s.state(); value.Epoch != 0 {
				t.Error("a state after an error")
			}
			return
		}
		again := stateBytes(t, s)
		if s2 := newFSM(); s2.Restore(io.NopCloser(bytes.NewReader(again))) != nil || !bytes.Equal(again, stateBytes(t, s2)) {
			t.Errorf("what was read is not written alike: %q", again)
		}
	})
}

// FuzzProposal: what is decoded is encoded alike.
func FuzzProposal(f *testing.F) {
	f.Add((&proposal{id: proposalID{1}, since: 7, entry: []byte("{}")}).encode())
	f.Add([]byte{proposalVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := decodeProposal(b); err == nil && !slices.Equal(p.encode(), b) {
			t.Errorf("%x became %x", b, p.encode())
		}
	})
}
