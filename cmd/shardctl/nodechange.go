package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

func newAddNodeCommand(f *flags) *cobra.Command {
	var node admin.NodeAddition
	var adminDSN string
	var weight int
	cmd := &cobra.Command{
		Use:   "add-node NAME DSN",
		Short: "Add a node and give it its share of the ring; DSN - reads it from standard input",
		Example: `  shardctl add-node pg-4 postgres://app@10.0.0.4/app --dry-run
  shardctl add-node pg-4 - < dsn-of-pg-4`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			node.Name = args[0]
			dsn, err := dsnArgument(cmd, args[1])
			if err != nil {
				return err
			}
			node.DSN = dsn
			if given, err := dsnFlag(cmd, "admin-dsn", adminDSN); err != nil {
				return err
			} else if given != nil {
				node.AdminDSN = *given
			}
			if cmd.Flags().Changed("weight") {
				node.Weight = &weight
			}
			return planned(f, cmd, "added to", func(ctx context.Context, c *admin.Client) (*admin.NodePlan, error) {
				return c.AddNode(ctx, node)
			})
		},
	}
	f.databaseFlag(cmd, &node.Database)
	cmd.Flags().StringVar(&adminDSN, "admin-dsn", "", "URL for the role that reads catalogs (default DSN); - reads it from standard input")
	cmd.Flags().IntVar(&weight, "weight", 1, "share of the rows against the others'")
	cmd.Flags().BoolVar(&node.DryRun, "dry-run", false, "show what it would do, and change nothing")
	return cmd
}

func newRemoveNodeCommand(f *flags) *cobra.Command {
	var database string
	var how admin.NodeRemoval
	cmd := &cobra.Command{
		Use:               "remove-node NAME",
		Short:             "Give the partitions of a node to the others, and forget it",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeFirst(nodeNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return planned(f, cmd, "removed from", func(ctx context.Context, c *admin.Client) (*admin.NodePlan, error) {
				return c.RemoveNode(ctx, database, args[0], how)
			})
		},
	}
	f.databaseFlag(cmd, &database)
	cmd.Flags().BoolVar(&how.Force, "force", false, "also if it does not answer or holds rows that are to be forgotten")
	cmd.Flags().BoolVar(&how.DryRun, "dry-run", false, "show what it would do, and change nothing")
	return cmd
}

// planned shows what a change of the nodes does, or has done. One that would be
// refused is a no.
func planned(f *flags, cmd *cobra.Command, verb string, ask func(context.Context, *admin.Client) (*admin.NodePlan, error)) error {
	plan, err := answer(f, cmd, ask, func(out io.Writer, p *admin.NodePlan) error { return showPlan(out, verb, p) })
	if err == nil && plan.Refused != "" {
		return &exitError{code: exitRefused}
	}
	return err
}

func showPlan(out io.Writer, verb string, p *admin.NodePlan) error {
	partitions, rows, bytes := 0, int64(0), int64(0)
	for i := range p.Transfers {
		partitions += p.Transfers[i].Partitions
		for _, table := range p.Transfers[i].Tables {
			rows += table.Rows
			bytes += table.Bytes
		}
	}
	would := ""
	if p.DryRun {
		would = "would be "
	}
	fmt.Fprintf(out, "node %s %s%s database %s, epoch %d\n", p.Node, would, verb, p.Database, p.Epoch)
	fmt.Fprintf(out, "%d partitions with about %d rows, %s\n", partitions, rows, size(bytes))
	if err := showTransfers(out, p.Transfers); err != nil {
		return err
	}
	for _, note := range p.Notes {
		fmt.Fprintf(out, "\nnote: %s\n", note)
	}
	if p.Refused != "" {
		fmt.Fprintf(out, "\nas things are it would be refused: %s\n", p.Refused)
		for _, problem := range p.Problems {
			fmt.Fprintf(out, "  - %s\n", problem)
		}
		if p.Hint != "" {
			fmt.Fprintf(out, "hint: %s\n", p.Hint)
		}
	}
	return nil
}

func showTransfers(out io.Writer, transfers []admin.Transfer) error {
	if len(transfers) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	t := newTable(out, "FROM", "TO", "PARTITIONS", "TABLE", "ROWS", "SIZE")
	for i := range transfers {
		from := &transfers[i]
		first := []string{from.From, from.To, strconv.Itoa(from.Partitions)}
		if len(from.Tables) == 0 {
			t.row(append(first, "-")...)
		}
		for _, table := range from.Tables {
			t.row(append(first, table.Table, strconv.FormatInt(table.Rows, 10), size(table.Bytes))...)
			first = []string{"", "", ""}
		}
	}
	return t.flush()
}

// size writes bytes in the largest unit that leaves a number above 1.
func size(bytes int64) string {
	if bytes < 1024 {
		return strconv.FormatInt(bytes, 10) + " B"
	}
	value, unit := float64(bytes), ""
	for _, unit = range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value /= 1024; value < 1024 {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}
