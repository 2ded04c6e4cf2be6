package meta

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/hashicorp/raft"

	"shardproxy/meta/topology"
)

// recoveryGap is how far a recovery brings the epoch forward: beyond all epochs
// that peers may have agreed on without this one hearing of it.
const recoveryGap = 1_000_000

// RecoverOptions say which peer is to go on alone.
type RecoverOptions struct {
	// ID and DataDir are those of a peer that has been stopped.
	ID      topology.PeerID
	DataDir string
	// Raft is the address that the peer will advertise; empty for one that
	// will listen nowhere.
	Raft string
	// Logger gets what Raft logs. Default: nothing is logged.
	Logger *slog.Logger
}

// Recover makes one stopped peer a cluster of its own, with all that its disk
// has, after the majority of the voters was lost for good. What the others had
// agreed on and this peer had not heard of is lost, and what it had heard of and
// nobody had agreed on yet may have become true.
//
// The other peers must never come back: they have to be stopped, and to join
// anew with empty directories and new ids. The epoch goes far forward, so that a
// node on which this peer has raised the least epoch refuses them. One that
// comes back with its directory finds that out and follows nobody. Recover
// returns the topology that the peer will start with.
func Recover(o RecoverOptions) (*topology.Topology, error) {
	options := Options{ID: o.ID, DataDir: o.DataDir, Logger: o.Logger}
	if o.DataDir == "" {
		return nil, errors.New("meta: recover: there is no data directory")
	}
	if err := options.check(); err != nil {
		return nil, err
	}
	d, err := openDisk(o.DataDir, raftLogger(options.Logger))
	if err != nil {
		return nil, err
	}
	value, err := d.recover(&o, &options)
	return value, errors.Join(err, d.close())
}

func (d *disk) recover(o *RecoverOptions, options *Options) (*topology.Topology, error) {
	served, err := d.served().read()
	if err != nil {
		return nil, err
	}
	address, transport := raft.NewInmemTransport(raft.ServerAddress(o.Raft))
	if o.Raft == "" {
		address = raft.ServerAddress(o.ID)
	}
	state := &recovered{fsm: newFSM(), options: o, served: served}
	err = raft.RecoverCluster(raftConfig(options, nil), state, d.bolt, d.bolt, d.snapshots, transport, raft.Configuration{
		Servers: []raft.Server{{ID: raft.ServerID(o.ID), Address: address}},
	})
	if state.err != nil { // Raft keeps its text only
		err = state.err
	}
	if err = errors.Join(err, transport.Close()); err != nil {
		return nil, fmt.Errorf("meta: recover: %w", err)
	}
	return state.value(), nil
}

// recovered is a state that is a single peer's as soon as a snapshot of it is
// made, which Raft does when all entries are applied.
type recovered struct {
	*fsm
	options *RecoverOptions
	served  *topology.Topology // the peer must not fall behind it; nil: nothing
	err     error              // that of Snapshot
}

// Snapshot implements raft.FSM.
func (r *recovered) Snapshot() (raft.FSMSnapshot, error) {
	if r.err = r.settle(); r.err != nil {
		return nil, r.err
	}
	return r.fsm.Snapshot()
}

// settle makes the state this peer's alone.
func (r *recovered) settle() error {
	value, broken := r.state()
	if broken != nil {
		return broken
	}
	if r.served != nil && r.served.Epoch > value.Epoch {
		value = r.served // the log has lost entries
	}
	next, err := r.alone(value)
	if err != nil {
		return err
	}
	r.fsm.mu.Lock()
	defer r.fsm.mu.Unlock()
	r.fsm.mu.value, r.fsm.mu.lineage = next, newLineage()
	return nil
}

// alone is value with this peer as the only one.
func (r *recovered) alone(value *topology.Topology) (*topology.Topology, error) {
	self := value.Peers[r.options.ID]
	if self == nil {
		return nil, fmt.Errorf("peer %q is not a member of the cluster that this directory is of: %w", r.options.ID, topology.ErrNotFound)
	}
	peer, next := *self, *value
	peer.Voter, peer.Raft = true, r.options.Raft
	next.Epoch += recoveryGap
	next.Peers = map[topology.PeerID]*topology.Peer{peer.ID: &peer}
	if err := next.Validate(); err != nil {
		return nil, err
	}
	return &next, nil
}
