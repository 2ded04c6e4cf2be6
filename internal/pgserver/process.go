package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is one run of a postmaster.
type process struct {
	cmd     *exec.Cmd
	dataDir string
	log     *tail
	done    chan struct{} // closed when all its processes are gone
	err     error         // how it ended; valid after done
}

// launch starts the postmaster and waits until it accepts connections.
// The caller holds the lock.
func (s *Server) launch(ctx context.Context) error {
	cmd := exec.Command(s.bin.postgres(), "-D", s.DataDir(), "-p", strconv.Itoa(s.port))
	cmd.Dir = s.opts.Dir
	cmd.Env = environment()
	cmd.SysProcAttr = childAttributes(s.account.credential())
	p := &process{cmd: cmd, dataDir: s.DataDir(), log: &tail{}, done: make(chan struct{})}
	var log io.Writer = p.log
	if s.opts.Log != nil {
		log = io.MultiWriter(p.log, s.opts.Log)
	}
	started := make(chan error, 1)
	go p.run(log, started)
	if err := <-started; err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	s.mu.process = p
	if err := s.awaitReady(ctx, p); err != nil {
		err = &StartError{Step: "postgres", Log: p.log.String(), Err: err}
		return errors.Join(err, s.kill())
	}
	return nil
}

// run owns the postmaster from start to end. Its thread is locked because the
// signal of childAttributes is sent when the thread that started the child
// ends, not when the whole process does. All processes of a server hold the
// writing end of the log pipe, so the end of the log is the end of the last.
func (p *process) run(log io.Writer, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	reader, writer, err := os.Pipe()
	if err != nil {
		started <- err
		return
	}
	defer reader.Close()
	p.cmd.Stdout, p.cmd.Stderr = writer, writer
	err = errors.Join(p.cmd.Start(), writer.Close())
	started <- err
	if err != nil {
		return
	}
	if _, err := io.Copy(log, reader); err != nil {
		_, _ = io.Copy(io.Discard, reader) // the caller's writer is broken, not the server
	}
	p.err = p.cmd.Wait()
}

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *process) signal(sig syscall.Signal) error { return p.cmd.Process.Signal(sig) }

// signalAll sends a signal to the postmaster and then to its children.
func (p *process) signalAll(sig syscall.Signal) error {
	if err := p.signal(sig); err != nil {
		return err
	}
	return p.signalChildren(sig)
}

func (p *process) signalChildren(sig syscall.Signal) error {
	pids, err := children(p.cmd.Process.Pid, p.dataDir)
	for _, pid := range pids {
		if e := syscall.Kill(pid, sig); e != nil && !errors.Is(e, syscall.ESRCH) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// killAll ends all processes. While the postmaster is stopped it can neither
// start children nor reap them, so a number of the list cannot come to mean
// another process before it is used.
func (p *process) killAll() error {
	if err := p.signal(syscall.SIGSTOP); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	err := p.signalChildren(syscall.SIGKILL)
	if e := p.signal(syscall.SIGKILL); e != nil && !errors.Is(e, os.ErrProcessDone) {
		err = errors.Join(err, e)
	}
	return err
}

// awaitReady waits until the postmaster says in its lock file that it is
// ready, as pg_ctl does.
func (s *Server) awaitReady(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		lock, err := readLockFile(s.DataDir())
		if err == nil && lock.pid == p.cmd.Process.Pid && lock.status == "ready" {
			return nil
		}
		select {
		case <-poll.C:
		case <-p.done:
			if p.err != nil {
				return p.err
			}
			return errors.New("ended at once")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lockFile is the part of postmaster.pid we read.
type lockFile struct {
	pid      int
	sharedID int // of the System V shared memory segment; -1 unknown
	status   string
}

func readLockFile(dataDir string) (lockFile, error) {
	content, err := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil {
		return lockFile{}, err
	}
	lines := strings.Split(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return lockFile{}, fmt.Errorf("postmaster.pid: %w", err)
	}
	lock := lockFile{pid: pid, sharedID: -1}
	if len(lines) > 6 {
		if fields := strings.Fields(lines[6]); len(fields) == 2 {
			if id, err := strconv.Atoi(fields[1]); err == nil {
				lock.sharedID = id
			}
		}
	}
	if len(lines) > 7 {
		lock.status = strings.TrimSpace(lines[7])
	}
	return lock, nil
}

// tailSize is how much of a log is kept.
const tailSize = 16 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu struct {
		sync.Mutex
		kept []byte
	}
}

// Write never fails.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.kept = append(t.mu.kept, b...)
	if excess := len(t.mu.kept) - tailSize; excess > 0 {
		t.mu.kept = append(t.mu.kept[:0], t.mu.kept[excess:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.mu.kept)
}
