package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

// maxDocument bounds the file of apply; the API takes less.
const maxDocument = 4 << 20

func newApplyCommand(f *flags) *cobra.Command {
	var file string
	var yes, dryRun bool
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Make a file's rules, limits and users those of the cluster; shows the difference first",
		Long: `apply compares a YAML or JSON file with the cluster, shows the difference, asks,
and makes it as one change.

The file has the keys "databases" and "users" of the configuration file, without
nodes, engine, partitions and stride. A key that is absent leaves what is there;
one that is present replaces it whole. Under "users" all users stand: others are
removed. A user without password and secret keeps what it has.`,
		Example: `  shardctl apply -f rules.yaml
  shardctl apply -f rules.yaml --dry-run
  shardctl apply -f - --yes < rules.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return errors.New("which file? -f FILE")
			}
			document, err := readDocument(cmd, file)
			if err != nil {
				return err
			}
			return apply(f, cmd, document, yes, dryRun)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "the file; - is standard input, and needs --yes or --dry-run")
	fileFlags(cmd, "file")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show the difference, and change nothing")
	return cmd
}

func readDocument(cmd *cobra.Command, path string) (*admin.Document, error) {
	from, name := cmd.InOrStdin(), "standard input"
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, failed(err)
		}
		defer file.Close()
		from, name = file, path
	}
	content, err := io.ReadAll(io.LimitReader(from, maxDocument+1))
	if err == nil && len(content) > maxDocument {
		err = fmt.Errorf("it is larger than %d bytes", maxDocument)
	}
	if err != nil {
		return nil, failed(fmt.Errorf("%s: %w", name, err))
	}
	document, err := parseDocument(content)
	if err != nil {
		return nil, failed(fmt.Errorf("%s: %w", name, err))
	}
	return document, nil
}

// apply shows the difference, asks and makes it, at the epoch it was shown for.
func apply(f *flags, cmd *cobra.Command, document *admin.Document, yes, dryRun bool) error {
	request := admin.ApplyRequest{Document: *document, DryRun: true}
	return f.compareAndMake(cmd, yes, dryRun, "Make these changes?", func(ctx context.Context, c *admin.Client, epoch uint64) (*admin.Differences, error) {
		request.DryRun, request.Epoch = epoch == 0, epoch
		return c.Apply(ctx, request)
	})
}

// compareAndMake asks for the difference (epoch 0), shows it, asks the operator,
// and makes the change at the epoch of the difference.
func (f *flags) compareAndMake(
	cmd *cobra.Command, yes, dryRun bool, question string,
	ask func(ctx context.Context, c *admin.Client, epoch uint64) (*admin.Differences, error),
) error {
	shown, err := withClient(f, cmd, func(ctx context.Context, c *admin.Client) (*admin.Differences, error) { return ask(ctx, c, 0) })
	if err != nil {
		return err
	}
	if dryRun || shown.Refused != "" || len(shown.Differences) == 0 {
		err := failed(f.print(cmd, shown, func(out io.Writer) error { return showDifferences(out, shown) }))
		if err == nil && shown.Refused != "" {
			return &exitError{code: exitRefused}
		}
		return err
	}
	// The answer of -o json is what was made; what is asked about goes beside it.
	beside := cmd.OutOrStdout()
	if f.output == "json" {
		beside = cmd.ErrOrStderr()
	}
	if err := showDifferences(beside, shown); err != nil {
		return failed(err)
	}
	if err := confirm(cmd, yes, question); err != nil {
		return err
	}
	made, err := withClient(f, cmd, func(ctx context.Context, c *admin.Client) (*admin.Differences, error) {
		return ask(ctx, c, shown.Epoch)
	})
	if err != nil {
		return err
	}
	return failed(f.print(cmd, made, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "done, epoch %d\n", made.Epoch)
		return err
	}))
}

func showDifferences(out io.Writer, d *admin.Differences) error {
	for _, line := range d.Differences {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	var err error
	if len(d.Differences) == 0 {
		_, err = fmt.Fprintf(out, "nothing to change, epoch %d\n", d.Epoch)
	}
	if d.Refused != "" {
		_, err = fmt.Fprintf(out, "as things are it would be refused: %s\nhint: %s\n", d.Refused, d.Hint)
	}
	return err
}
