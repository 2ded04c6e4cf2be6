package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

// barWidth is that of a whole ring, in characters.
const barWidth = 40

func newRingCommand(f *flags) *cobra.Command {
	var database string
	cmd := &cobra.Command{
		Use:   "ring",
		Short: "Show how much of the ring each node owns",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			bars := isTerminal(cmd.OutOrStdout())
			_, err := answer(f, cmd, func(ctx context.Context, c *admin.Client) (*admin.Ring, error) {
				return c.Ring(ctx, database)
			}, func(out io.Writer, r *admin.Ring) error { return showRing(out, r, bars) })
			return err
		},
	}
	f.databaseFlag(cmd, &database)
	return cmd
}

func showRing(out io.Writer, r *admin.Ring, bars bool) error {
	fmt.Fprintf(out, "database %s, %d partitions, home on %s, epoch %d\n\n", r.Database, r.Partitions, r.Home, r.Epoch)
	t := newTable(out, "NODE", "PARTITIONS", "SHARE", "TARGET")
	for _, n := range r.Nodes {
		drawn := ""
		if bars {
			drawn = bar(n.Share)
		}
		t.row(n.Node, strconv.Itoa(n.Partitions), percent(n.Share), percent(n.Target), drawn)
	}
	return t.flush()
}

func percent(share float64) string { return strconv.FormatFloat(share*100, 'f', 1, 64) + "%" }

// bar is coarse: a node that owns anything has at least one character.
func bar(share float64) string {
	n := int(math.Round(share * barWidth))
	if n == 0 && share > 0 {
		n = 1
	}
	return strings.Repeat("#", min(n, barWidth))
}
