package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

func newTablesCommand(f *flags) *cobra.Command {
	var database string
	cmd := &cobra.Command{
		Use:   "tables",
		Short: "Show where the rows of each table are, and why",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := answer(f, cmd, func(ctx context.Context, c *admin.Client) (*admin.Tables, error) {
				return c.Tables(ctx, database)
			}, showTables)
			return err
		},
	}
	databaseFlag(cmd, &database)
	return cmd
}

func showTables(out io.Writer, tables *admin.Tables) error {
	t := newTable(out, "TABLE", "PLACEMENT", "KEY", "REASON")
	for i := range tables.Tables {
		table := &tables.Tables[i]
		t.row(table.Name, table.Placement, keyOf(table), table.Reason)
	}
	if err := t.flush(); err != nil {
		return err
	}
	headline := "\nWARNINGS\n"
	for _, table := range tables.Tables {
		for _, warning := range table.Warnings {
			if _, err := fmt.Fprintf(out, "%s%s: %s\n", headline, table.Name, warning); err != nil {
				return err
			}
			headline = ""
		}
	}
	return nil
}

// keyOf says what the rows of a table are placed by: "user:owner_id int".
func keyOf(t *admin.Table) string {
	switch {
	case t.Kind == "":
		return "-"
	case t.Column == "":
		return fmt.Sprintf("%s:%s (in the name)", t.Kind, t.NameKey)
	}
	return fmt.Sprintf("%s:%s %s", t.Kind, t.Column, t.KeyType)
}
