package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

// nullParam stands for NULL among --param, as in COPY.
const nullParam = `\N`

// maxStatement bounds what is read from standard input; the API takes less.
const maxStatement = 16 << 20

func newExplainCommand(f *flags) *cobra.Command {
	var request admin.ExplainRequest
	var params []string
	cmd := &cobra.Command{
		Use:   `explain "SQL"`,
		Short: "Show where statements would run, and why; nothing is executed",
		Example: `  shardctl explain "SELECT * FROM documents WHERE user_id = 42"
  shardctl explain --param 42 'SELECT * FROM documents WHERE user_id = $1'
  shardctl explain - < migration.sql`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			request.SQL = args[0]
			if args[0] == "-" {
				text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxStatement))
				if err != nil {
					return failed(fmt.Errorf("standard input: %w", err))
				}
				request.SQL = string(text)
			}
			if strings.TrimSpace(request.SQL) == "" {
				return errors.New("there is no statement to explain")
			}
			for _, p := range params {
				request.Params = append(request.Params, admin.Param{Text: p, Null: p == nullParam})
			}
			said, err := answer(f, cmd, func(ctx context.Context, c *admin.Client) (*admin.Explanations, error) {
				return c.Explain(ctx, request)
			}, showExplanations)
			if err == nil && refused(said) {
				return &exitError{code: exitRefused}
			}
			return err
		},
	}
	f.databaseFlag(cmd, &request.Database)
	cmd.Flags().StringArrayVarP(&params, "param", "p", nil, `value of $1, then $2 ...; \N is NULL`)
	cmd.Flags().StringSliceVar(&request.SearchPath, "search-path", nil, `schemas (default the role's own and public)`)
	return cmd
}

func refused(said *admin.Explanations) bool {
	for _, e := range said.Statements {
		if e.Error != "" {
			return true
		}
	}
	return false
}

func showExplanations(out io.Writer, said *admin.Explanations) error {
	for i := range said.Statements {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if err := showExplanation(out, &said.Statements[i]); err != nil {
			return err
		}
	}
	return nil
}

func showExplanation(out io.Writer, e *admin.Explanation) error {
	t := newTable(out)
	line := func(name, text string) {
		if text != "" {
			t.row(name, text)
		}
	}
	line("class", e.Class)
	line("nodes", strings.Join(e.Nodes, ", "))
	line("key", e.Key)
	line("partitions", partitions(e))
	for _, ref := range e.Tables {
		line("table", strings.TrimSuffix(ref.Table+": "+ref.Rule+"; "+ref.Bound, "; "))
	}
	for _, why := range e.Why {
		line("why", why)
	}
	line("error", e.Error)
	line("hint", e.Hint)
	return t.flush()
}

func partitions(e *admin.Explanation) string {
	if e.WholeNode {
		return "all of the node"
	}
	texts := make([]string, len(e.Partitions))
	for i, p := range e.Partitions {
		texts[i] = strconv.FormatUint(uint64(p), 10)
	}
	return strings.Join(texts, ", ")
}
