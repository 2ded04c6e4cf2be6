package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// Tools are PostgreSQL's client programs of one version.
type Tools struct {
	dump, restore string // paths
	// Major is their major version.
	Major int
}

// MissingToolsError says that no pg_dump fits.
type MissingToolsError struct {
	// Server is the major version of the server to be dumped.
	Server int
	// Found are the major versions that there are, all too old.
	Found []int
}

func (e *MissingToolsError) Error() string {
	found := "none is installed"
	if len(e.Found) > 0 {
		found = fmt.Sprintf("the newest here is of version %d", e.Found[len(e.Found)-1])
	}
	return fmt.Sprintf("the schema is copied by pg_dump and pg_restore of version %d or later, and %s on this peer: "+
		"install them (Debian and Ubuntu: apt-get install postgresql-client-%[1]d; Red Hat: dnf install postgresql%[1]d), or create the tables on the new node yourself",
		e.Server, found)
}

// FindTools looks for pg_dump and pg_restore for a server of a major version: in
// dir only, or where dir is empty in PATH and where distributions put them. It
// takes the oldest that can read the server, which writes what the server
// understands. Errors: *MissingToolsError.
func FindTools(ctx context.Context, dir string, server int) (*Tools, error) {
	var found []*Tools
	for _, d := range toolDirs(dir) {
		if t := toolsIn(ctx, d); t != nil {
			found = append(found, t)
		}
	}
	slices.SortStableFunc(found, func(a, b *Tools) int { return cmp.Compare(a.Major, b.Major) })
	missing := &MissingToolsError{Server: server}
	for _, t := range found {
		if t.Major >= server {
			return t, nil
		}
		missing.Found = append(missing.Found, t.Major)
	}
	return nil, errors.Join(ctx.Err(), missing)
}

func toolDirs(dir string) []string {
	if dir != "" {
		return []string{dir}
	}
	dirs := filepath.SplitList(os.Getenv("PATH"))
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",         // Debian
		"/usr/pgsql-*/bin",                  // Red Hat, by the PostgreSQL project
		"/usr/local/opt/postgresql*/bin",    // Homebrew
		"/opt/homebrew/opt/postgresql*/bin", // Homebrew
	} {
		// The pattern is well formed, so there is no error.
		more, _ := filepath.Glob(pattern)
		dirs = append(dirs, more...)
	}
	return dirs
}

// toolsIn returns the programs of one directory, or nil.
func toolsIn(ctx context.Context, dir string) *Tools {
	t := &Tools{dump: filepath.Join(dir, "pg_dump"), restore: filepath.Join(dir, "pg_restore")}
	restore, ok := majorOf(ctx, t.restore)
	if !ok {
		return nil
	}
	// On Debian both are wrappers that choose a version.
	if t.Major, ok = majorOf(ctx, t.dump); !ok || restore < t.Major {
		return nil
	}
	return t
}

func majorOf(ctx context.Context, program string) (int, bool) {
	if info, err := os.Stat(program); err != nil || info.IsDir() {
		return 0, false
	}
	output, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return 0, false
	}
	return parseMajor(string(output))
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// parseMajor reads "pg_dump (PostgreSQL) 15.4 (Debian ...)".
func parseMajor(output string) (int, bool) {
	match := versionPattern.FindStringSubmatch(output)
	if match == nil {
		return 0, false
	}
	major, err := strconv.Atoi(match[1])
	return major, err == nil
}
