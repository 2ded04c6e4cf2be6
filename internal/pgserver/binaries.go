package pgserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// BinDirVariable names the environment variable that overrides where
// PostgreSQL's programs are looked for.
const BinDirVariable = "SHARDPROXY_PG_BINDIR"

// MissingError means that no PostgreSQL server is installed where it was
// looked for.
type MissingError struct {
	// Searched lists the places, in order.
	Searched []string
}

// Error names the places and the command that cures it.
func (e *MissingError) Error() string {
	return fmt.Sprintf("pgserver: no PostgreSQL server (initdb, postgres) in %s; "+
		"install it with: apt-get install -y postgresql (or set %s to its bin directory)",
		strings.Join(e.Searched, ", "), BinDirVariable)
}

// binaries is a directory that holds initdb and postgres.
type binaries struct{ dir string }

func (b binaries) initdb() string   { return filepath.Join(b.dir, "initdb") }
func (b binaries) postgres() string { return filepath.Join(b.dir, "postgres") }

// complete reports whether both programs are there and executable.
func (b binaries) complete() bool {
	for _, program := range []string{b.initdb(), b.postgres()} {
		info, err := os.Stat(program)
		if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

// FindBinDir returns the directory of PostgreSQL's server programs: the
// environment variable SHARDPROXY_PG_BINDIR, the newest
// /usr/lib/postgresql/*/bin, or PATH. It fails with *MissingError.
func FindBinDir() (string, error) {
	found, err := findBinaries("", os.Getenv)
	return found.dir, err
}

func findBinaries(explicit string, getenv func(string) string) (binaries, error) {
	if explicit == "" {
		explicit = getenv(BinDirVariable)
	}
	if explicit != "" { // somebody chose: no silent fallback
		if b := (binaries{dir: explicit}); b.complete() {
			return b, nil
		}
		return binaries{}, &MissingError{Searched: []string{explicit}}
	}
	const pattern = "/usr/lib/postgresql/*/bin"
	for _, dir := range newestFirst(pattern) {
		if b := (binaries{dir: dir}); b.complete() {
			return b, nil
		}
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			if b := (binaries{dir: filepath.Dir(real)}); b.complete() {
				return b, nil
			}
		}
	}
	return binaries{}, &MissingError{Searched: []string{pattern, "PATH"}}
}

// newestFirst lists the directories that match, by the number in their path.
func newestFirst(pattern string) []string {
	dirs, err := filepath.Glob(pattern)
	if err != nil { // only a malformed pattern
		return nil
	}
	version := func(dir string) float64 {
		v, err := strconv.ParseFloat(filepath.Base(filepath.Dir(dir)), 64)
		if err != nil {
			return -1
		}
		return v
	}
	sort.SliceStable(dirs, func(i, j int) bool { return version(dirs[i]) > version(dirs[j]) })
	return dirs
}
