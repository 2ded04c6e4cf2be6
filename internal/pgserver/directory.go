package pgserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// prepareDir makes the server's directory and gives it to the account.
func (s *Server) prepareDir() error {
	if s.opts.Dir == "" {
		temporary, err := newTemporaryDir()
		if err != nil {
			return err
		}
		s.temporary = temporary
		s.opts.Dir = temporary.path
	}
	if err := s.claimDir(); err != nil {
		if s.temporary != nil {
			err = errors.Join(err, s.temporary.remove())
		} else if s.madeDir {
			err = errors.Join(err, os.RemoveAll(s.opts.Dir))
		}
		return err
	}
	return nil
}

// removeCreated removes what a start that failed made: the temporary
// directory, or what it put into the caller's.
func (s *Server) removeCreated() error {
	switch {
	case s.temporary != nil:
		return s.temporary.remove()
	case s.madeDir:
		return os.RemoveAll(s.opts.Dir)
	}
	var err error
	for _, name := range []string{"data", "socket", "password"} { // the directory was empty
		err = errors.Join(err, os.RemoveAll(filepath.Join(s.opts.Dir, name)))
	}
	return err
}

func (s *Server) claimDir() error {
	dir, err := filepath.Abs(s.opts.Dir)
	if err != nil {
		return err
	}
	s.opts.Dir = dir
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		s.madeDir = true
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("directory %s is not empty", dir)
	}
	if err := s.account.reaches(dir); err != nil {
		return err
	}
	socket := filepath.Join(dir, "socket")
	if err := os.Mkdir(socket, 0o700); err != nil {
		return err
	}
	return errors.Join(s.account.own(dir), s.account.own(socket))
}

// socketDir is where the Unix socket lives; empty when the path would be too
// long for the kernel (107 bytes with the socket's own name).
func (s *Server) socketDir() string {
	dir := filepath.Join(s.opts.Dir, "socket")
	if len(dir)+len("/.s.PGSQL.65535.lock") > 107 {
		return ""
	}
	return dir
}

// watcher waits until its standard input ends, which is when the process that
// started it is dead or has closed it. The kernel has told the postmaster to
// shut down by then; what still works in the directory after ten seconds is
// killed, recognised by its working directory.
const watcher = `
cat >/dev/null
n=0
while [ $n -lt 100 ]; do
	busy=
	for p in /proc/[0-9]*; do
		[ "$(readlink "$p/cwd" 2>/dev/null)" = "$1/data" ] || continue
		busy=yes
		[ $n -eq 98 ] && kill -KILL "${p#/proc/}" 2>/dev/null
	done
	[ -z "$busy" ] && break
	n=$((n + 1))
	sleep 0.1
done
rm -rf -- "$1"
`

// temporaryDir is a directory that goes away even when this process is killed.
type temporaryDir struct {
	path     string
	lifeline *os.File // the watcher's standard input
	watcher  *exec.Cmd
}

func newTemporaryDir() (*temporaryDir, error) {
	path, err := os.MkdirTemp("", "shardproxy-pg-")
	if err != nil {
		return nil, err
	}
	d := &temporaryDir{path: path}
	if err := d.watch(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	return d, nil
}

func (d *temporaryDir) watch() error {
	input, lifeline, err := os.Pipe()
	if err != nil {
		return err
	}
	defer input.Close()
	d.watcher = exec.Command("/bin/sh", "-c", watcher, "shardproxy-pg-watcher", d.path)
	d.watcher.Dir = "/"
	d.watcher.Stdin = input
	// A session of its own: Ctrl-C on the terminal is not for it.
	d.watcher.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := d.watcher.Start(); err != nil {
		return errors.Join(err, lifeline.Close())
	}
	d.lifeline = lifeline
	return nil
}

// remove deletes the directory and waits for the watcher to end.
func (d *temporaryDir) remove() error {
	if d.lifeline == nil {
		return nil
	}
	err := os.RemoveAll(d.path)
	err = errors.Join(err, d.lifeline.Close())
	d.lifeline = nil
	return errors.Join(err, d.watcher.Wait())
}
