package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"shardproxy/admin"
	"shardproxy/meta"
	"shardproxy/meta/topology"
)

// changer changes the topology, on the leader: for the admin API, for the schemas
// and for changes of nodes.
type changer struct {
	store  *meta.Store
	fencer meta.Fencer
	made   func(error) // told what became of each change; nil: nobody is
	// resolve is asked again when rules are set; nil: they are not.
	resolve resolve
}

var (
	_ admin.Changes = (*changer)(nil)
	_ proving       = (*changer)(nil)
)

// Current returns the topology in use.
func (c *changer) Current() *topology.Topology { return c.store.Current() }

// Watch implements proving.
func (c *changer) Watch() (changed <-chan struct{}, stop func()) { return c.store.Watch() }

// Change implements admin.Changes.
func (c *changer) Change(ctx context.Context, decided topology.Epoch, command topology.Command) (topology.Epoch, error) {
	proof, err := c.proofOf(command)
	if err != nil {
		return 0, err
	}
	epoch, err := c.store.Change(ctx, command, meta.ChangeOptions{
		Database: topology.DatabaseOf(command), On: decided, Prove: proof, Fencer: c.fencer,
	})
	c.count(err)
	return epoch, adminError(err)
}

// Prove implements proving.
func (c *changer) Prove(
	ctx context.Context, command topology.Command, prove func(context.Context, *topology.Topology) error,
) (topology.Epoch, error) {
	o := meta.ChangeOptions{Database: topology.DatabaseOf(command), Fencer: c.fencer}
	if topology.NeedsHold(c.store.Current(), command) {
		o.Prove = prove
	}
	epoch, err := c.store.Change(ctx, command, o)
	c.count(err)
	return epoch, err
}

func (c *changer) count(err error) {
	if c.made != nil {
		c.made(err)
	}
}

// cutOffStrangers ends the connections of all that are not peers any more, on the
// nodes of every database.
func (c *changer) cutOffStrangers(ctx context.Context, epoch topology.Epoch) error {
	if c.fencer == nil {
		return nil
	}
	// Who was removed is still a peer in the topology before.
	if err := c.store.Wait(ctx, epoch); err != nil {
		return fmt.Errorf("%w: %w", meta.ErrUnsettled, err)
	}
	t := c.Current()
	var peers []meta.PeerStart
	for _, id := range slices.Sorted(maps.Keys(t.Peers)) {
		peers = append(peers, meta.PeerStart{Peer: id, Incarnation: t.Peers[id].Incarnation})
	}
	var errs []error
	for _, name := range sortedKeys(t.Databases) {
		err := c.store.Settle(ctx, name, epoch, c.fencer)
		if err == nil {
			err = c.fencer.CutOff(ctx, t.Databases[name], epoch, peers)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("database %q: %w: %w", name, meta.ErrUnsettled, err))
		}
	}
	return errors.Join(errs...)
}

// adminError says in the admin API's words what the store said.
func adminError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, meta.ErrUnsettled): // first: the leadership may have been lost after the change
		return fmt.Errorf("%w: %w", admin.ErrUnsettled, err)
	case errors.Is(err, meta.ErrNoLeader), errors.Is(err, meta.ErrNotLeader):
		return fmt.Errorf("%w: %w", admin.ErrNoLeader, err)
	case errors.Is(err, meta.ErrUnpublished): // it was made; this peer will have it
		return nil
	case errors.Is(err, meta.ErrUnknownOutcome):
		return fmt.Errorf("%w: %w", admin.ErrOutcomeUnknown, err)
	case errors.Is(err, meta.ErrBusy):
		return admin.NewProblem(admin.CodeRefused, err.Error(),
			"Nothing was changed. End the transactions that stay open, or raise the flag hold_budget, and try again.")
	case errors.Is(err, meta.ErrVersion):
		return admin.NewProblem(admin.CodeRefused, err.Error(), "Nothing was changed. Upgrade the peer that is behind.")
	}
	return err
}
