package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

func newPeersCommand(f *flags) *cobra.Command {
	group := plainListing(f, "peers", "Show the peers: who leads, who votes, how far each is",
		func(ctx context.Context, c *admin.Client) (*admin.Peers, error) { return c.Peers(ctx) }, showPeers)
	group.AddCommand(newAddPeerCommand(f), newRemovePeerCommand(f), newPromoteCommand(f))
	return group
}

// plainListing is a command that shows things, by itself and as "list".
func plainListing[T any](
	f *flags, name, short string, ask func(context.Context, *admin.Client) (*T, error), show func(io.Writer, *T) error,
) *cobra.Command {
	list := func(use string) *cobra.Command {
		return &cobra.Command{
			Use:   use,
			Short: short,
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				_, err := answer(f, cmd, ask, show)
				return err
			},
		}
	}
	group := list(name)
	group.AddCommand(list("list"))
	return group
}

func showPeers(out io.Writer, p *admin.Peers) error {
	fmt.Fprintf(out, "topology epoch %d", p.Epoch)
	if p.AnsweredBy != "" {
		fmt.Fprintf(out, ", as peer %s sees it", p.AnsweredBy)
	}
	if p.Leader == "" {
		fmt.Fprint(out, "; there is no leader, so nothing can be changed")
	}
	fmt.Fprint(out, "\n\n")
	t := newTable(out, "PEER", "ROLE", "EPOCH", "HEARD", "PEER ADDRESS", "ADMIN ADDRESS")
	for i := range p.Peers {
		peer := &p.Peers[i]
		epoch, heard := "-", "-"
		if peer.HeardMS != nil {
			epoch = strconv.FormatUint(peer.Epoch, 10)
			heard = (time.Duration(*peer.HeardMS) * time.Millisecond).Truncate(100*time.Millisecond).String() + " ago"
		}
		t.row(peer.ID, role(peer), epoch, heard, peer.Raft, peer.Admin)
	}
	return t.flush()
}

func role(p *admin.Peer) string {
	switch {
	case p.Leader:
		return "leader"
	case p.Voter && p.Votes != nil && !*p.Votes:
		return "voter, catching up"
	case p.Voter:
		return "voter"
	}
	return "nonvoter"
}

func newAddPeerCommand(f *flags) *cobra.Command {
	var join admin.PeerJoin
	cmd := &cobra.Command{
		Use:               "add ID --raft HOST:PORT",
		Short:             "Make a running process a peer, or tell of its new addresses",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if join.Raft == "" {
				return errors.New("--raft is needed: where the other peers reach it")
			}
			join.ID = args[0]
			_, err := answer(f, cmd, func(ctx context.Context, c *admin.Client) (*admin.PeerJoined, error) {
				return c.JoinPeer(ctx, join)
			}, func(out io.Writer, j *admin.PeerJoined) error {
				_, err := fmt.Fprintf(out, "peer %s is a %s, epoch %d\n", j.Peer.ID, role(&j.Peer), j.Epoch)
				return err
			})
			return err
		},
	}
	cmd.Flags().StringVar(&join.Raft, "raft", "", "host:port for the traffic between peers")
	cmd.Flags().StringVar(&join.Admin, "admin", "", "host:port of its admin API, as operators reach it")
	cmd.Flags().BoolVar(&join.Nonvoter, "nonvoter", false, "it should never vote by itself")
	return cmd
}

func newRemovePeerCommand(f *flags) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:               "remove ID",
		Short:             "Remove a peer that is gone, or is to go",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeFirst(peerNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return changed(f, cmd, "peer "+args[0]+" removed", func(ctx context.Context, c *admin.Client) (*admin.Changed, error) {
				return c.RemovePeer(ctx, args[0], force)
			})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "also when the voters that are left may be no majority")
	return cmd
}

func newPromoteCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:               "promote ID",
		Short:             "Make a voter of a nonvoter",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeFirst(peerNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return changed(f, cmd, "peer "+args[0]+" is to vote", func(ctx context.Context, c *admin.Client) (*admin.Changed, error) {
				return c.PromotePeer(ctx, args[0])
			})
		},
	}
}
