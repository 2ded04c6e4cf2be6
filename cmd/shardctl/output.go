package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

// answer asks the API and prints what it says: as JSON, or as show does.
func answer[T any](
	f *flags, cmd *cobra.Command, ask func(context.Context, *admin.Client) (*T, error), show func(io.Writer, *T) error,
) (*T, error) {
	client, err := f.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	said, err := ask(cmd.Context(), client)
	if err != nil {
		return nil, failed(err)
	}
	out := cmd.OutOrStdout()
	if f.output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return said, failed(encoder.Encode(said))
	}
	return said, failed(show(out, said))
}

// table writes aligned columns.
type table struct{ w *tabwriter.Writer }

func newTable(out io.Writer, header ...string) *table {
	t := &table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	if len(header) > 0 {
		t.row(header...)
	}
	return t
}

// row adds a row. The last cell may be empty: no blanks are left for it.
func (t *table) row(cells ...string) {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

func (t *table) flush() error { return t.w.Flush() }

// mark is what stands for a yes in a table.
func mark(yes bool, text string) string {
	if yes {
		return text
	}
	return "-"
}
