package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

func newFlagsCommand(f *flags) *cobra.Command {
	group := plainListing(f, "flags", "Show the settings of the cluster",
		func(ctx context.Context, c *admin.Client) (*admin.Flags, error) { return c.Flags(ctx) }, showFlags)
	group.AddCommand(&cobra.Command{
		Use:               "set NAME VALUE",
		Short:             "Set a setting",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: f.completeFirst(flagNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return changed(f, cmd, "flag "+args[0]+" set", func(ctx context.Context, c *admin.Client) (*admin.Changed, error) {
				return c.SetFlag(ctx, args[0], args[1])
			})
		},
	}, &cobra.Command{
		Use:               "unset NAME",
		Short:             "Give a setting its default again",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeFirst(flagNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return changed(f, cmd, "flag "+args[0]+" has its default", func(ctx context.Context, c *admin.Client) (*admin.Changed, error) {
				return c.UnsetFlag(ctx, args[0])
			})
		},
	})
	return group
}

func showFlags(out io.Writer, all *admin.Flags) error {
	t := newTable(out, "FLAG", "VALUE", "SET", "DEFAULT", "RANGE", "MEANING")
	for _, s := range all.Flags {
		t.row(s.Name, s.Value, mark(s.Set, "set"), s.Default, s.Min+" to "+s.Max, s.Help)
	}
	return t.flush()
}
