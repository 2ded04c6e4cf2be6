package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

// The exit codes of the command.
const (
	exitOK          = 0
	exitFailed      = 1 // it failed; also when nobody knows whether a change was made
	exitUsage       = 2 // the command line is wrong
	exitUnreachable = 3 // no peer could be reached
	exitRefused     = 4 // the state of things does not allow it; nothing was changed
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
	return &exitError{code: codeOf(err), err: err}
}

// codeOf is the exit code of what the API, or the way to it, said.
func codeOf(err error) int {
	if problem, ok := errors.AsType[*admin.Problem](err); ok {
		switch problem.Code {
		case admin.CodeRefused, admin.CodeConflict, admin.CodeNoLeader, admin.CodeNotReady:
			return exitRefused
		}
		return exitFailed
	}
	if errors.Is(err, admin.ErrUnreachable) {
		return exitUnreachable
	}
	return exitFailed
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
		fmt.Fprint(stderr, describe(exit.err))
	}
	return exit.code
}

// describe says what failed, at which peer, and on lines of its own what to do.
func describe(err error) string {
	problem, ok := errors.AsType[*admin.Problem](err)
	if !ok {
		return fmt.Sprintf("shardctl: %s\n", err)
	}
	text := problem.Detail
	if text == "" {
		text = problem.Title + "; the log of the peer says more"
	}
	if problem.Peer != "" {
		text = "peer " + problem.Peer + ": " + text
	}
	text = "shardctl: " + text + "\n"
	if problem.Code == admin.CodeUnsettled {
		text += fmt.Sprintf("The topology has epoch %d with the change in it.\n", problem.Epoch)
	}
	if problem.Hint != "" {
		text += "Hint: " + problem.Hint + "\n"
	}
	return text
}

func newRootCommand(getenv func(string) string) *cobra.Command {
	f := &flags{getenv: getenv}
	root := &cobra.Command{
		Use:   "shardctl",
		Short: "Look at a running shardproxy, and change it",
		Long: `shardctl asks the admin API of a running shardproxy. Any peer can be asked:
changes are passed on to the leader.

Environment:
  SHARDCTL_ADDR   in place of --addr
  SHARDCTL_TOKEN  in place of --token-file

Exit codes:
  0  it did what was asked
  1  it failed; the message says when nobody knows whether a change was made
  2  the command line is wrong
  3  no peer could be reached
  4  the state of things does not allow it, and nothing was changed; or the
     answer is no: the proxy is not ready, a statement would be refused`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	f.register(root)
	root.AddCommand(
		newStatusCommand(f), newTablesCommand(f), newRingCommand(f), newExplainCommand(f),
		newPeersCommand(f),
		newNodesCommand(f), newAddNodeCommand(f), newRemoveNodeCommand(f),
		newUsersCommand(f), newFlagsCommand(f), newApplyCommand(f),
		newPauseCommand(f), newUnpauseCommand(f),
		newBackupCommand(f), newRestoreCommand(f),
	)
	return root
}
