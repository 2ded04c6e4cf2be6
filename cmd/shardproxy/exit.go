package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// The exit codes of the command.
const (
	exitOK     = 0
	exitFailed = 1 // it failed while it ran, or a step of the demo did
	exitUsage  = 2 // the command line is wrong
	exitConfig = 3 // the configuration, or a file it names, is wrong
	exitNodes  = 4 // a node cannot be used, or rows are not where they belong
	exitForced = 5 // a second signal ended it before open transactions had
)

// exitError carries the exit code of an error.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// withCode gives an error its exit code; nil stays nil.
func withCode(code int, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*exitError](err); ok {
		return err // who was nearer to it knows better
	}
	return &exitError{code: code, err: err}
}

// codeOf is the exit code of err. What carries none comes from the parser of the
// command line.
func codeOf(err error) int {
	if err == nil {
		return exitOK
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	return exitUsage
}

// report prints an error to people: what it means, then all that is wrong, one
// item a line, further lines of an item below it.
func report(w io.Writer, err error) {
	headline := "shardproxy failed"
	switch codeOf(err) {
	case exitConfig:
		headline = "the configuration cannot be used"
	case exitNodes:
		headline = "the nodes cannot be served"
	}
	items := parts(err)
	if len(items) == 1 && !strings.Contains(items[0].Error(), "\n") {
		fmt.Fprintf(w, "shardproxy: %s\n", items[0])
		return
	}
	fmt.Fprintf(w, "shardproxy: %s:\n", headline)
	for _, item := range items {
		text := strings.TrimRight(item.Error(), "\n")
		fmt.Fprintf(w, "  - %s\n", strings.ReplaceAll(text, "\n", "\n    "))
	}
}

// parts are the errors that errors.Join put together, those in them included.
func parts(err error) []error {
	if e, ok := err.(*exitError); ok { //nolint:errorlint // the outermost only
		return parts(e.err)
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	texts := make([]string, 0, len(joined.Unwrap()))
	var all []error
	for _, part := range joined.Unwrap() {
		texts = append(texts, part.Error())
		all = append(all, parts(part)...)
	}
	if err.Error() != strings.Join(texts, "\n") {
		return []error{err} // one sentence that wraps several errors
	}
	return all
}
