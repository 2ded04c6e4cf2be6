package main

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

func newNodesCommand(f *flags) *cobra.Command {
	group := listing(f, "nodes", "Show the nodes of a database and the connections to them",
		func(ctx context.Context, c *admin.Client, database string) (*admin.Nodes, error) {
			return c.Nodes(ctx, database)
		},
		showNodes)
	group.AddCommand(newSetNodeCommand(f))
	return group
}

// listing is a command that shows things of a database, by itself and as
// "list".
func listing[T any](
	f *flags, name, short string, ask func(context.Context, *admin.Client, string) (*T, error), show func(io.Writer, *T) error,
) *cobra.Command {
	list := func(use string) *cobra.Command {
		var database string
		cmd := &cobra.Command{
			Use:   use,
			Short: short,
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				_, err := answer(f, cmd, func(ctx context.Context, c *admin.Client) (*T, error) {
					return ask(ctx, c, database)
				}, show)
				return err
			},
		}
		f.databaseFlag(cmd, &database)
		return cmd
	}
	group := list(name)
	group.AddCommand(list("list"))
	return group
}

func (f *flags) databaseFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVarP(into, "database", "d", "", "which one; needed when there are several")
	f.completeFlag(cmd, "database", databaseNames)
}

func showNodes(out io.Writer, n *admin.Nodes) error {
	t := newTable(out, "NODE", "STATE", "PARTITIONS", "HOME", "WEIGHT", "IDLE", "ACTIVE", "DIALING", "WAITING", "DSN")
	for i := range n.Nodes {
		node := &n.Nodes[i]
		t.row(node.Name, nodeState(node), strconv.Itoa(node.Partitions), mark(node.Home, "home"), strconv.Itoa(node.Weight),
			strconv.Itoa(node.Idle), strconv.Itoa(node.Active+node.Cancelling), strconv.Itoa(node.Dialing),
			strconv.Itoa(node.Waiting), node.DSN)
	}
	return t.flush()
}

func nodeState(n *admin.Node) string {
	state := "up"
	if !n.Up {
		state = "down"
	}
	if n.State != "active" && n.State != "" {
		state += ", " + n.State
	}
	return state
}

func newSetNodeCommand(f *flags) *cobra.Command {
	var settings admin.NodeSettings
	var dsn, adminDSN string
	var weight int
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Give a node another address, password or weight; it must be the same server",
		Example: `  shardctl nodes set pg-1 --weight 2
  shardctl nodes set pg-1 --dsn - < dsn-of-pg-1`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeFirst(nodeNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if settings.DSN, err = dsnFlag(cmd, "dsn", dsn); err != nil {
				return err
			}
			if settings.AdminDSN, err = dsnFlag(cmd, "admin-dsn", adminDSN); err != nil {
				return err
			}
			if cmd.Flags().Changed("weight") {
				settings.Weight = &weight
			}
			if settings.DSN == nil && settings.AdminDSN == nil && settings.Weight == nil {
				return errors.New("there is nothing to set: --dsn, --admin-dsn or --weight")
			}
			return changed(f, cmd, "node "+args[0]+" changed", func(ctx context.Context, c *admin.Client) (*admin.Changed, error) {
				return c.SetNode(ctx, args[0], settings)
			})
		},
	}
	f.databaseFlag(cmd, &settings.Database)
	cmd.Flags().StringVar(&dsn, "dsn", "", "URL for the application's role; - reads it from standard input, where others cannot see it")
	cmd.Flags().StringVar(&adminDSN, "admin-dsn", "", "URL for the role that reads catalogs; empty: --dsn; - as above")
	cmd.Flags().IntVar(&weight, "weight", 1, "share of the rows against the others'")
	return cmd
}
