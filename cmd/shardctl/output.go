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
	said, err := withClient(f, cmd, ask)
	if err != nil {
		return nil, err
	}
	return said, failed(f.print(cmd, said, func(out io.Writer) error { return show(out, said) }))
}

// print writes a value as JSON, or as show does.
func (f *flags) print(cmd *cobra.Command, value any, show func(io.Writer) error) error {
	out := cmd.OutOrStdout()
	if f.output != "json" {
		return show(out)
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// withClient asks the API something.
func withClient[T any](f *flags, cmd *cobra.Command, ask func(context.Context, *admin.Client) (T, error)) (T, error) {
	client, err := f.client()
	if err != nil {
		var none T
		return none, err
	}
	defer client.Close()
	said, err := ask(cmd.Context(), client)
	return said, failed(err)
}

// changed asks for a change and says that it was made.
func changed(f *flags, cmd *cobra.Command, what string, ask func(context.Context, *admin.Client) (*admin.Changed, error)) error {
	_, err := answer(f, cmd, ask, func(out io.Writer, c *admin.Changed) error {
		_, err := fmt.Fprintf(out, "%s, epoch %d\n", what, c.Epoch)
		return err
	})
	return err
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
