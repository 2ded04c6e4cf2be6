package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

func newStatusCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show whether the proxy serves, and its databases",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			status, err := answer(f, cmd, func(ctx context.Context, c *admin.Client) (*admin.Status, error) {
				return c.Status(ctx)
			}, showStatus)
			if err == nil && !status.Ready {
				return &exitError{code: exitNo}
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
	if len(s.Databases) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	t := newTable(out, "DATABASE", "ENGINE", "NODES", "PARTITIONS", "TABLES")
	for _, db := range s.Databases {
		t.row(db.Name, db.Engine, strconv.Itoa(db.Nodes), strconv.Itoa(db.Partitions), strconv.Itoa(db.Tables))
	}
	return t.flush()
}

func newNodesCommand(f *flags) *cobra.Command {
	var database string
	cmd := &cobra.Command{
		Use:   "nodes",
		Short: "Show the nodes of a database and the connections to them",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := answer(f, cmd, func(ctx context.Context, c *admin.Client) (*admin.Nodes, error) {
				return c.Nodes(ctx, database)
			}, showNodes)
			return err
		},
	}
	databaseFlag(cmd, &database)
	return cmd
}

func databaseFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVarP(into, "database", "d", "", "which one; needed when there are several")
}

func showNodes(out io.Writer, n *admin.Nodes) error {
	t := newTable(out, "NODE", "STATE", "PARTITIONS", "HOME", "WEIGHT", "IDLE", "ACTIVE", "DIALING", "WAITING", "DSN")
	for _, node := range n.Nodes {
		state := "up"
		if !node.Up {
			state = "down"
		}
		t.row(node.Name, state, strconv.Itoa(node.Partitions), mark(node.Home, "home"), strconv.Itoa(node.Weight),
			strconv.Itoa(node.Idle), strconv.Itoa(node.Active+node.Cancelling), strconv.Itoa(node.Dialing),
			strconv.Itoa(node.Waiting), node.DSN)
	}
	return t.flush()
}
