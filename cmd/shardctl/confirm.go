package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// confirm asks on the terminal whether to go on. Without one it refuses, unless
// yes was given.
func confirm(cmd *cobra.Command, yes bool, question string) error {
	if yes {
		return nil
	}
	if !isTerminal(cmd.InOrStdin()) {
		return errors.New("standard input is not a terminal to ask on: look at the difference, and add --yes")
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s [y/N] ", question)
	reply, err := readLine(cmd.InOrStdin())
	if err != nil {
		return failed(err)
	}
	switch strings.ToLower(strings.TrimSpace(reply)) {
	case "y", "yes":
		return nil
	}
	return failed(errGivenUp)
}
