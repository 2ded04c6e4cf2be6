package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"shardproxy/internal/noderegistry"
)

// Script is the schema of a database as SQL, to be run by Restore.
type Script string

// lockWait bounds how long the dump waits for a lock on one table.
const lockWait = "10s"

// Dump returns the schema of the database that dsn names, without rows,
// publications, subscriptions, tablespaces and what the proxy keeps there. The
// role must be allowed to read all tables.
//
// It needs a temporary directory, which is gone afterwards. Its errors quote
// what the programs said, and no password.
func (t *Tools) Dump(ctx context.Context, dsn string) (_ Script, err error) {
	env, err := environ(dsn)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "shardproxy-schema-") // 0700
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	archive := filepath.Join(dir, "archive")
	if _, err := run(ctx, env, t.dump,
		"--schema-only", "--format=custom", "--file="+archive, "--encoding=UTF8", "--no-password",
		"--no-publications", "--no-subscriptions", "--no-tablespaces",
		"--exclude-schema="+noderegistry.Schema, "--lock-wait-timeout="+lockWait); err != nil {
		return "", err
	}
	contents, err := run(ctx, env, t.restore, "--list", archive)
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "list")
	if err := os.WriteFile(list, []byte(keepEntries(contents)), 0o600); err != nil {
		return "", err
	}
	text, err := run(ctx, env, t.restore, "--use-list="+list, "--file=-", archive)
	if err != nil {
		return "", err
	}
	return plainSQL(text)
}

// run runs a program and returns what it printed. The error has its last words.
func run(ctx context.Context, env []string, program string, args ...string) (string, error) {
	var out, complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &out, &complaints
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", fmt.Errorf("%s: %w", filepath.Base(program), ctx.Err())
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(program), err, lastWords(complaints.String()))
	}
	return out.String(), nil
}

// maxComplaint is how much of a program's error output is quoted, in bytes.
const maxComplaint = 1000

func lastWords(complaints string) string {
	text := strings.Join(strings.Fields(complaints), " ")
	if len(text) > maxComplaint {
		text = "... " + strings.ToValidUTF8(text[len(text)-maxComplaint:], "")
	}
	return text
}
