package meta

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"shardproxy/meta/topology"
)

// Store holds the topology in use and takes part in agreeing on the next one.
// All methods may be called by any goroutine.
type Store struct {
	publication
	options  Options
	logger   *slog.Logger
	self     topology.Peer // never changes
	isNew    bool          // the data directory was empty
	logged   lineage       // of the log, as it was opened
	founding lineage       // of the cluster, if this peer proposes its first entry
	disk     *disk         // nil: alone, in memory
	listener *listener     // nil: alone
	fsm      *fsm
	raft     *raft.Raft
	network  raft.Transport
	client   *http.Client // nil: alone
	answers  *http.Server // nil: alone

	leadership notice        // the leader or this peer's part has changed
	leadsIn    atomic.Uint64 // the term in which this peer leads and knows all
	calls      calls         // of other peers, being answered
	reports    reports
	mine       ownReport
	arms       ownArms
	trouble    atomic.Pointer[error] // why the newest value is not published
	removed    atomic.Bool           // the leader does not count this peer as a member

	cancel context.CancelFunc
	ended  chan struct{} // closed when Raft has ended
	group  sync.WaitGroup
	closed sync.Once
}

// Open starts the peer. Current is what it served last, or nil until the
// topology is known; nothing in the cluster is waited for. The caller closes the
// store.
func Open(o Options) (_ *Store, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &Store{
		options: o, logger: o.Logger.With("peer", string(o.ID)), fsm: newFSM(), founding: newLineage(),
		ended: make(chan struct{}),
		self:  topology.Peer{ID: o.ID, Admin: o.Admin, Voter: true, Commands: topology.CommandVersion},
	}
	s.preparers = o.Preparers
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release())
		}
	}()
	if err := s.openDisk(); err != nil {
		return nil, err
	}
	if err := s.openNetwork(); err != nil {
		return nil, err
	}
	leads := make(chan bool, 16)
	if err := s.openRaft(ctx, leads); err != nil {
		return nil, err
	}
	s.start(ctx, leads)
	return s, nil
}

// openDisk takes the data directory and publishes what was served last.
func (s *Store) openDisk() (err error) {
	now := time.Now()
	if s.options.DataDir == "" {
		s.isNew = true
		s.self.Incarnation = newIncarnation(now)
		return nil
	}
	if s.disk, err = openDisk(s.options.DataDir, raftLogger(s.logger)); err != nil {
		return err
	}
	if s.isNew, err = s.disk.isNew(); err != nil {
		return err
	}
	if s.logged, err = loggedLineage(s.disk.bolt); err != nil {
		return fmt.Errorf("meta: Raft's log in %s: %w", s.options.DataDir, err)
	}
	if s.self.Incarnation, err = s.disk.nextIncarnation(now); err != nil {
		return err
	}
	served, err := s.disk.served().read()
	if err != nil || served == nil {
		return err
	}
	if s.isNew {
		return fmt.Errorf("meta: data directory %s: %w: Raft's log is gone, but not what was served; start with a new directory and a new id",
			s.options.DataDir, ErrDamaged)
	}
	s.publish(served)
	return nil
}

// openNetwork starts to listen for the other peers.
func (s *Store) openNetwork() (err error) {
	if s.options.Listen == nil {
		_, s.network = raft.NewInmemTransport(raft.ServerAddress(s.options.ID))
		return nil
	}
	if s.listener, err = listen(s.options.ID, s.lineage, s.options.Listen, s.logger); err != nil {
		return err
	}
	s.self.Raft = s.listener.advertise
	s.network = &transport{raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: raftStreams{s.listener.raft, s.listener}, Logger: raftLogger(s.logger),
		MaxPool: 3, Timeout: s.options.Timing.Call, MsgpackUseNewTimeFormat: true,
	})}
	s.client = s.newClient()
	s.answers = s.newServer()
	return nil
}

// start runs what goes on until the store is closed.
func (s *Store) start(ctx context.Context, leads <-chan bool) {
	s.group.Go(func() { s.publishAll(ctx) })
	s.group.Go(func() { s.leadWhenAsked(ctx, leads) })
	s.group.Go(func() { s.reportAll(ctx) })
	if s.answers != nil {
		s.group.Go(func() {
			if err := s.answers.Serve(s.listener.http); !errors.Is(err, http.ErrServerClosed) {
				s.logger.Error("peers are not answered any more", "error", err)
			}
		})
	}
}

// Close hands the leadership to another peer if this one has it, and stops. The
// peer stays a member. What was published last stays readable. ctx bounds the
// hand-over only.
func (s *Store) Close(ctx context.Context) error {
	s.handOver(ctx)
	return s.stop()
}

// stop ends the peer without a word to the others.
func (s *Store) stop() error {
	var err error
	s.closed.Do(func() {
		s.cancel()
		err = s.release()
	})
	return err
}

// release closes what is open, in the reverse order.
func (s *Store) release() error {
	s.cancel()
	var errs []error
	if s.answers != nil {
		errs = append(errs, s.answers.Close())
	}
	if s.listener != nil {
		s.listener.close()
	}
	if s.raft != nil {
		errs = append(errs, s.raft.Shutdown().Error())
	}
	close(s.ended)
	if n, ok := s.network.(*transport); ok {
		n.CloseStreams()
		errs = append(errs, n.Close())
	}
	s.calls.close()
	s.group.Wait()
	if s.client != nil {
		s.client.CloseIdleConnections()
	}
	if s.disk != nil {
		errs = append(errs, s.disk.close())
	}
	return errors.Join(errs...)
}

// handOver makes another voter the leader, if this peer is it.
func (s *Store) handOver(ctx context.Context) {
	if s.raft == nil || s.raft.State() != raft.Leader || len(s.voters()) < 2 {
		return
	}
	done := make(chan error, 1)
	s.group.Go(func() { done <- s.result(s.raft.LeadershipTransfer()) })
	select {
	case err := <-done:
		if err != nil {
			s.logger.Warn("leadership not handed over", "error", err)
		}
	case <-ctx.Done():
	}
}

// Self is this peer as the others should know it: its addresses, this start's
// incarnation and the commands it knows. It votes, unless it is told otherwise
// when it joins.
func (s *Store) Self() topology.Peer { return s.self }

// IsNew says that the peer's data directory was empty when it was opened: it
// has bootstrapped, or waits to be joined.
func (s *Store) IsNew() bool { return s.isNew }

// ReloadTLS reads the certificates between peers again, for connections from
// now on. After an error the old ones stay in use.
func (s *Store) ReloadTLS() error {
	if s.listener == nil {
		return nil
	}
	return s.listener.reload()
}

// newProposalID draws an id.
func newProposalID() (id proposalID) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}
