package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shardproxy/internal/config"
	"shardproxy/meta"
	"shardproxy/meta/topology"
)

// recovery is one run of "shardproxy recover".
type recovery struct {
	config *config.Config
	yes    bool // do not ask
	force  bool // go on in spite of doubts
	in     io.Reader
	out    io.Writer
}

func newRecoverCommand() *cobra.Command {
	var path string
	r := &recovery{}
	cmd := &cobra.Command{
		Use:   "recover --config FILE",
		Short: "Make a stopped peer the whole cluster, after a majority was lost for good",
		Long: `recover makes one stopped peer a cluster of its own, with all that is on its disk.
It is for the case that the majority of the voting peers is lost for good: as long
as they may come back, wait for them. Queries go on without a majority.

It shows what the peer has, asks, and then
  - makes the peer the only one of its cluster, at an epoch that is far ahead,
  - has the nodes that it reaches refuse all older epochs, and ends the connections
    of other peers there.

The other peers must never come back with what is on their disks. Wipe their data
directories and have them join anew. Recover the peer with the highest epoch.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if r.config, err = loadConfig(path, os.Environ()); err != nil {
				return err
			}
			r.in, r.out = cmd.InOrStdin(), cmd.OutOrStdout()
			// A signal ends the process, whatever it does: it can be run again.
			return withCode(exitFailed, r.run(cmd.Context()))
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "the configuration file of the peer (required)")
	cmd.Flags().BoolVar(&r.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&r.force, "force", false, "go on although the lost peers may have changed where rows are")
	_ = cmd.MarkFlagRequired("config") // it fails for flags that do not exist
	return cmd
}

var (
	errNotAPeer = errors.New("peer.bootstrap and peer.join are not set: a proxy that runs alone has nothing to recover")
	errGivenUp  = errors.New("given up; nothing was changed")
	errNobody   = errors.New("standard input is not a terminal to ask on: add --yes; nothing was changed")
	errDoubts   = errors.New("the lost peers may have changed where rows are: recover a peer that knows more, if there is one, or add --force; nothing was changed")
)

// run looks, says, asks, and recovers.
func (r *recovery) run(ctx context.Context) error {
	if !r.config.Peer.Clustered() {
		return withCode(exitConfig, errNotAPeer)
	}
	holding, err := inspect(r.config)
	if err != nil {
		return err
	}
	nodes := askNodes(ctx, holding.after)
	r.describe(holding, nodes)
	doubts := doubtsOf(holding, nodes)
	r.list("Doubts:", doubts)
	if len(doubts) > 0 && !r.force {
		return withCode(exitNodes, errDoubts)
	}
	if err := r.confirm(holding); err != nil {
		return err
	}
	after, err := recoverBeyond(recoverOptions(r.config), highestFloor(nodes))
	if err != nil {
		return err
	}
	if err := publishRecovered(ctx, r.config, after.Epoch); err != nil {
		return fmt.Errorf("the peer was recovered, but does not take it over; run recover again: %w", err)
	}
	return r.fence(ctx, after)
}

// recoverOptions are those of the peer of a configuration.
func recoverOptions(c *config.Config) meta.RecoverOptions {
	return meta.RecoverOptions{
		ID: topology.PeerID(c.Peer.ID), DataDir: c.Peer.DataDir,
		Raft: cmp.Or(c.Peer.Raft.Advertise, c.Peer.Raft.Listen),
	}
}

// maxRounds bounds how often a recovery is repeated to bring the epoch further
// forward.
const maxRounds = 64

// recoverBeyond recovers the peer of a directory, to an epoch above floor: nodes
// accept none below theirs. Each recovery brings it forward by the same.
func recoverBeyond(o meta.RecoverOptions, floor topology.Epoch) (*topology.Topology, error) {
	for range maxRounds {
		t, err := meta.Recover(o)
		if err != nil {
			return nil, recoverError(o.DataDir, err)
		}
		if t.Epoch > floor {
			return t, nil
		}
	}
	return nil, fmt.Errorf("a node accepts epoch %d and later, which is out of reach", floor)
}

// publishTimeout bounds how long a recovered peer may take to publish what it has.
const publishTimeout = 20 * time.Second

// publishRecovered runs the peer for a moment, without clients, so that it publishes
// what the recovery has made. It would start with what it served before otherwise,
// which no node accepts.
func publishRecovered(ctx context.Context, c *config.Config, epoch topology.Epoch) error {
	store, err := meta.Open(storeOptions(c, newPeerCalls(http.NotFoundHandler()), slog.New(slog.DiscardHandler)))
	if err != nil {
		return recoverError(c.Peer.DataDir, err)
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err = store.Wait(ctx, epoch); err != nil {
		err = errors.Join(err, store.Err())
	}
	return errors.Join(err, store.Close(ctx))
}

// recoverError says what to do about an error of the data directory.
func recoverError(directory string, err error) error {
	if errors.Is(err, meta.ErrLocked) {
		return runningError(directory)
	}
	return err
}

func runningError(directory string) error {
	return fmt.Errorf("%s: %w: stop the peer first", directory, meta.ErrLocked)
}

// confirm asks whether to go on.
func (r *recovery) confirm(h *holding) error {
	if r.yes {
		return nil
	}
	if file, ok := r.in.(*os.File); ok {
		if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
			return withCode(exitUsage, errNobody)
		}
	}
	fmt.Fprintf(r.out, "\nMake peer %q the whole cluster? [y/N] ", h.self)
	var reply string
	if _, err := fmt.Fscanln(r.in, &reply); err != nil && reply == "" {
		return errGivenUp
	}
	switch strings.ToLower(reply) {
	case "y", "yes":
		return nil
	}
	return errGivenUp
}
