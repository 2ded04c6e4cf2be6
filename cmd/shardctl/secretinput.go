package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

// maxSecret bounds what is read as a password or a DSN, in bytes.
const maxSecret = 16 << 10

// secretFrom reads the one line of a file; "-" is standard input.
func secretFrom(cmd *cobra.Command, path string) (admin.Secret, error) {
	from := cmd.InOrStdin()
	name := "standard input"
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return "", failed(err)
		}
		defer file.Close()
		from, name = file, path
	}
	content, err := io.ReadAll(io.LimitReader(from, maxSecret+1))
	if err != nil {
		return "", failed(fmt.Errorf("%s: %w", name, err))
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if line == "" || len(content) > maxSecret || strings.ContainsAny(line, "\r\n") {
		return "", failed(fmt.Errorf("%s: want one line that is not empty", name))
	}
	return admin.Secret(line), nil
}

// askTwice asks on the terminal, without showing what is typed.
func askTwice(cmd *cobra.Command, prompt string) (admin.Secret, error) {
	var typed [2]string
	for i, text := range []string{prompt, "Again: "} {
		var err error
		if typed[i], err = askHidden(cmd.InOrStdin(), cmd.ErrOrStderr(), text); err != nil {
			return "", failed(err)
		}
	}
	switch {
	case typed[0] == "":
		return "", failed(errors.New("the password is empty; nothing was changed"))
	case typed[0] != typed[1]:
		return "", failed(errors.New("the two are not the same; nothing was changed"))
	}
	return admin.Secret(typed[0]), nil
}

// dsnArgument is a DSN of the command line, or for "-" of standard input.
func dsnArgument(cmd *cobra.Command, text string) (admin.Secret, error) {
	if text == "-" {
		return secretFrom(cmd, "-")
	}
	return admin.Secret(text), nil
}

// dsnFlag is the DSN of a flag, nil where the flag is not given.
func dsnFlag(cmd *cobra.Command, name, text string) (*admin.Secret, error) {
	if !cmd.Flags().Changed(name) {
		return nil, nil
	}
	dsn, err := dsnArgument(cmd, text)
	return &dsn, err
}
