package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// run executes the command line and returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	if err == nil {
		return exitOK
	}
	report(stderr, err)
	if codeOf(err) == exitUsage {
		fmt.Fprintln(stderr, "Run shardproxy --help for the commands and their flags.")
	}
	return codeOf(err)
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "shardproxy",
		Short: "One DSN in front of many PostgreSQL servers",
		Long: `shardproxy speaks PostgreSQL's protocol, finds the shard key in each statement
and runs it on the node that holds the key's rows.

Exit codes:
  0  it did what was asked; serve: it was stopped in order
  1  it failed while it ran, or a step of the demo failed
  2  the command line is wrong
  3  the configuration, or a file it names, is wrong
  4  a node cannot be used, or rows are not where they belong
  5  a second signal ended it before open transactions had`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		// Without a subcommand there is nothing to do but to say so.
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newServeCommand(), newRecoverCommand(), newDemoCommand(), newVersionCommand())
	return root
}
