package main

import (
	"context"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

func newPauseCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "pause DATABASE",
		Short: "Let no transaction begin, for a consistent copy of all nodes",
		Long: `pause returns when no transaction of the database is open on any node. New ones
wait until unpause.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeFirst(databaseNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return changed(f, cmd, "database "+args[0]+" is paused", func(ctx context.Context, c *admin.Client) (*admin.Changed, error) {
				return c.Pause(ctx, args[0])
			})
		},
	}
}

func newUnpauseCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:               "unpause DATABASE",
		Short:             "Let transactions begin again",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeFirst(databaseNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return changed(f, cmd, "database "+args[0]+" is not paused", func(ctx context.Context, c *admin.Client) (*admin.Changed, error) {
				return c.Unpause(ctx, args[0])
			})
		},
	}
}
