package meta_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"shardproxy/meta"
	"shardproxy/meta/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// smallest is the smallest topology that is valid.
func smallest() *topology.Topology {
	db := &topology.Database{
		Name: "app", Engine: topology.Postgres,
		Nodes:  []topology.Node{{ID: "pg-1", Weight: 1}},
		Owners: []topology.NodeIndex{0, 0},
	}
	return &topology.Topology{Epoch: 1, Databases: map[string]*topology.Database{"app": db}}
}

// addUser is a change that makes a valid topology.
func addUser(name string) func(*topology.Topology) (*topology.Topology, error) {
	return func(t *topology.Topology) (*topology.Topology, error) {
		users := map[string]*topology.User{name: {Name: name}}
		for other, u := range t.Users {
			users[other] = u
		}
		return t.WithUsers(users), nil
	}
}

func newStore(t *testing.T, preparers ...meta.Preparer) *meta.Store {
	t.Helper()
	s, err := meta.New(smallest(), preparers...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNewRefuses(t *testing.T) {
	invalid := smallest()
	invalid.Databases["app"].Owners = []topology.NodeIndex{7, 7}
	for name, top := range map[string]*topology.Topology{"nothing": nil, "an owner that is no node": invalid} {
		if _, err := meta.New(top, func(*topology.Topology) { t.Error("prepared an invalid topology") }); !errors.Is(err, meta.ErrInvalid) {
			t.Errorf("%s: error %v, want ErrInvalid", name, err)
		}
	}
}

func TestUpdatePublishes(t *testing.T) {
	s := newStore(t)
	before := s.Current()
	if err := s.Update(addUser("ada")); err != nil {
		t.Fatal(err)
	}
	after := s.Current()
	if after.Epoch != before.Epoch+1 || after.Users["ada"] == nil {
		t.Errorf("epoch %d with users %v, want %d with ada", after.Epoch, after.Users, before.Epoch+1)
	}
	if before.Users["ada"] != nil {
		t.Error("the value before was changed")
	}
}

func TestUpdateLeavesEverythingAsItWas(t *testing.T) {
	failure := errors.New("no")
	tests := []struct {
		name   string
		change func(*topology.Topology) (*topology.Topology, error)
		want   error
	}{
		{"the change fails", func(*topology.Topology) (*topology.Topology, error) { return nil, failure }, failure},
		{"it fails with a value", func(t *topology.Topology) (*topology.Topology, error) {
			return t.WithUsers(nil), failure
		}, failure},
		{"it returns nothing", func(*topology.Topology) (*topology.Topology, error) { return nil, nil }, meta.ErrInvalid},
		{"the value is not valid", func(t *topology.Topology) (*topology.Topology, error) {
			return t.WithUsers(map[string]*topology.User{"ada": {Name: "bob"}}), nil
		}, meta.ErrInvalid},
		{"the epoch stays", func(t *topology.Topology) (*topology.Topology, error) {
			same := *t
			return &same, nil
		}, meta.ErrEpoch},
		{"the epoch falls", func(t *topology.Topology) (*topology.Topology, error) {
			older := *t
			older.Epoch--
			return &older, nil
		}, meta.ErrEpoch},
		{"nothing changes", func(t *topology.Topology) (*topology.Topology, error) { return t, nil }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			prepared := 0
			s := newStore(t, func(*topology.Topology) { prepared++ })
			changed, stop := s.Watch()
			defer stop()
			before := s.Current()
			if err := s.Update(test.change); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if s.Current() != before || prepared != 1 {
				t.Errorf("published all the same (%d values were prepared)", prepared)
			}
			select {
			case <-changed:
				t.Error("the watch was woken")
			default:
			}
		})
	}
}

func TestPreparersComeFirst(t *testing.T) {
	var order []string
	var s *meta.Store
	seen := func(name string) meta.Preparer {
		return func(next *topology.Topology) {
			order = append(order, name)
			if s != nil && s.Current() == next {
				t.Errorf("%s was told after the value was published", name)
			}
		}
	}
	s = newStore(t, seen("a"), seen("b"))
	if err := s.Update(addUser("ada")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "a", "b"}; !slices.Equal(order, want) {
		t.Errorf("preparers were called as %v, want %v", order, want)
	}
}

func TestWatch(t *testing.T) {
	s := newStore(t)
	one, stopOne := s.Watch()
	two, stopTwo := s.Watch()
	defer stopTwo()
	for _, name := range []string{"ada", "bob", "cyd"} {
		if err := s.Update(addUser(name)); err != nil {
			t.Fatal(err)
		}
	}
	<-one // several changes, one signal
	select {
	case <-one:
		t.Error("a second signal though nothing happened since the first")
	default:
	}
	stopOne()
	stopOne()
	<-two
	if err := s.Update(addUser("dan")); err != nil {
		t.Fatal(err)
	}
	<-two
	select {
	case <-one:
		t.Error("a watch was woken after its end")
	default:
	}
}

// TestConcurrency: no change is lost, readers see epochs grow, and a watcher
// ends up with the last value.
func TestConcurrency(t *testing.T) {
	const writers, changes = 4, 50
	s := newStore(t)
	changed, stop := s.Watch()
	defer stop()
	done := make(chan struct{})
	var group, readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			last := s.Current().Epoch
			for {
				select {
				case <-done:
					return
				default:
				}
				now := s.Current().Epoch
				if now < last {
					t.Errorf("epoch %d after %d", now, last)
					return
				}
				last = now
			}
		})
	}
	for range writers {
		group.Go(func() {
			for range changes {
				err := s.Update(func(t *topology.Topology) (*topology.Topology, error) { return t.WithUsers(t.Users), nil })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	const last = 1 + writers*changes
	timeout := time.After(10 * time.Second)
	for s.Current().Epoch < last {
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("epoch %d, want %d", s.Current().Epoch, last)
		}
	}
	group.Wait()
	close(done)
	readers.Wait()
	if got := s.Current().Epoch; got != last {
		t.Errorf("epoch %d, want %d: a change was lost", got, last)
	}
}

func BenchmarkCurrent(b *testing.B) {
	s, err := meta.New(smallest())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if s.Current() == nil {
			b.Fatal("nil")
		}
	}
}
