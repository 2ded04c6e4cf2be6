package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

func newTablesCommand(f *flags) *cobra.Command {
	return listing(f, "tables", "Show where the rows of each table are, and why",
		func(ctx context.Context, c *admin.Client, database string) (*admin.Tables, error) {
			return c.Tables(ctx, database)
		},
		showTables)
}

func showTables(out io.Writer, tables *admin.Tables) error {
	t := newTable(out, "TABLE", "PLACEMENT", "KEY", "RULE FROM", "REASON")
	for i := range tables.Tables {
		table := &tables.Tables[i]
		t.row(table.Name, table.Placement, keyOf(table), table.Source, table.Reason)
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
