package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

func newStatusCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show whether the proxy serves, who leads, and the databases",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			status, err := answer(f, cmd, func(ctx context.Context, c *admin.Client) (*admin.Status, error) {
				return c.Status(ctx)
			}, showStatus)
			if err == nil && !status.Ready {
				return &exitError{code: exitRefused}
			}
			return err
		},
	}
}

func showStatus(out io.Writer, s *admin.Status) error {
	state := "ready"
	if !s.Ready {
		state = "not ready: " + s.NotReady
	}
	fmt.Fprintf(out, "shardproxy %s, %s, topology epoch %d\n", s.Version, state, s.Epoch)
	if s.Peer != "" {
		fmt.Fprintln(out, standing(s))
	}
	if s.AppliedEpoch > s.Epoch {
		fmt.Fprintf(out, "epoch %d is applied and not served yet\n", s.AppliedEpoch)
	}
	if len(s.Databases) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	t := newTable(out, "DATABASE", "ENGINE", "NODES", "PARTITIONS", "TABLES", "STATE")
	for i := range s.Databases {
		db := &s.Databases[i]
		t.row(db.Name, db.Engine, strconv.Itoa(db.Nodes), strconv.Itoa(db.Partitions), strconv.Itoa(db.Tables), databaseState(db))
	}
	return t.flush()
}

// standing is how the peer stands among its peers.
func standing(s *admin.Status) string {
	text := fmt.Sprintf("peer %s of %d, %s", s.Peer, s.Peers, s.RaftState)
	switch s.Leader {
	case "":
		return text + "; there is no leader, so nothing can be changed"
	case s.Peer:
		return text
	}
	return text + "; the leader is " + s.Leader
}

func databaseState(db *admin.DatabaseStatus) string {
	var states []string
	if db.Paused {
		states = append(states, "paused")
	}
	if a := db.Armed; a != nil {
		scope := "transactions"
		if len(a.Tables) > 0 {
			scope += " on " + strings.Join(a.Tables, ", ")
		}
		states = append(states, scope+" wait for: "+a.What)
	}
	if len(states) == 0 {
		return "serving"
	}
	return strings.Join(states, "; ")
}
