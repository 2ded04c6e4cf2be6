package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// StartError means that initdb or the postmaster ended instead of doing its
// work.
type StartError struct {
	// Step is "initdb" or "postgres".
	Step string
	// Log is the end of what the program wrote.
	Log string
	// Err says how the program ended.
	Err error
}

// Error gives the program's own words.
func (e *StartError) Error() string {
	return fmt.Sprintf("pgserver: %s: %v: %s", e.Step, e.Err, strings.TrimSpace(e.Log))
}

// Unwrap returns how the program ended, or the end of the context.
func (e *StartError) Unwrap() error { return e.Err }

// initdb creates the data directory. Each server gets its own run, so each has
// its own system identifier; without syncing it takes under half a second.
func (s *Server) initdb(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	password := filepath.Join(s.opts.Dir, "password")
	if err := s.writeFile(password, []byte(s.opts.Password+"\n")); err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	args := []string{
		"--pgdata=" + s.DataDir(),
		"--username=" + superuser,
		"--pwfile=" + password,
		"--auth=scram-sha-256",
		"--encoding=UTF8",
		"--locale=C",
	}
	if s.opts.NoSync {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, s.bin.initdb(), args...)
	cmd.Dir = s.opts.Dir
	cmd.Env = environment()
	cmd.SysProcAttr = childAttributes(s.account.credential())
	output, err := runLocked(cmd)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return &StartError{Step: "initdb", Log: string(output), Err: err}
	}
	return os.Remove(password)
}

// runLocked runs a short program on a thread that cannot end before it: the
// signal a child gets at its parent's death is sent when the thread that
// started it ends.
func runLocked(cmd *exec.Cmd) ([]byte, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return cmd.CombinedOutput()
}

// environment is what the server's programs see: nothing of ours that could
// change their meaning (PGPORT, PGDATA, LC_ALL and the like).
func environment() []string {
	env := []string{"LC_ALL=C", "TZ=UTC", "PATH=" + os.Getenv("PATH")}
	if libraries := os.Getenv("LD_LIBRARY_PATH"); libraries != "" {
		env = append(env, "LD_LIBRARY_PATH="+libraries)
	}
	return env
}

// configure appends the settings to postgresql.conf, where the last line of a
// name wins, and writes the caller's files.
func (s *Server) configure() error {
	settings := map[string]string{
		"listen_addresses":           "127.0.0.1",
		"unix_socket_directories":    s.socketDir(),
		"unix_socket_permissions":    "0700",
		"password_encryption":        "scram-sha-256",
		"timezone":                   "UTC",
		"log_timezone":               "UTC",
		"shared_buffers":             "32MB",
		"dynamic_shared_memory_type": "mmap", // leaves nothing in /dev/shm after a kill
		"max_wal_size":               "256MB",
	}
	if s.opts.NoSync {
		settings["fsync"] = "off"
		settings["full_page_writes"] = "off"
	}
	for name, value := range s.opts.Settings {
		settings[strings.ToLower(name)] = value
	}
	var lines strings.Builder
	for _, name := range sortedKeys(settings) {
		value := strings.ReplaceAll(settings[name], `\`, `\\`)
		fmt.Fprintf(&lines, "%s = '%s'\n", name, strings.ReplaceAll(value, "'", "''"))
	}
	conf, err := os.OpenFile(filepath.Join(s.DataDir(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = conf.WriteString("\n" + lines.String())
	if err = errors.Join(err, conf.Close()); err != nil {
		return err
	}
	for base, content := range s.opts.Files {
		if err := s.writeFile(filepath.Join(s.DataDir(), base), content); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes a file that only the server may read.
func (s *Server) writeFile(path string, content []byte) error {
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	return s.account.own(path)
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
