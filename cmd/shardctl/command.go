package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// The exit codes of the command.
const (
	exitOK     = 0
	exitFailed = 1 // the proxy could not be asked, or answered with an error
	exitUsage  = 2 // the command line is wrong
	exitNo     = 3 // the answer is no: not ready, or a statement would be refused
)

// exitError carries the exit code of an error. Without an error there is nothing
// to print: the answer has been.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// failed is for errors that are not the command line's; nil stays nil.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: exitFailed, err: err}
}

// run executes the command line and returns the exit code.
func run(args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCommand(getenv)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	if err == nil {
		return exitOK
	}
	exit, ok := errors.AsType[*exitError](err)
	if !ok {
		fmt.Fprintf(stderr, "shardctl: %s\nRun shardctl --help for the commands and their flags.\n", err)
		return exitUsage
	}
	if exit.err != nil {
		fmt.Fprintf(stderr, "shardctl: %s\n", exit.err)
	}
	return exit.code
}

func newRootCommand(getenv func(string) string) *cobra.Command {
	f := &flags{getenv: getenv}
	root := &cobra.Command{
		Use:   "shardctl",
		Short: "Ask a running shardproxy",
		Long: `shardctl asks the admin API of a running shardproxy. Nothing is executed and
nothing is changed.

Environment:
  SHARDCTL_ADDR   in place of --addr
  SHARDCTL_TOKEN  in place of --token-file

Exit codes:
  0  it did what was asked
  1  the proxy could not be asked, or answered with an error
  2  the command line is wrong
  3  the answer is no: the proxy is not ready, a statement would be refused`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	f.register(root)
	root.AddCommand(newStatusCommand(f), newNodesCommand(f), newTablesCommand(f), newExplainCommand(f))
	return root
}
