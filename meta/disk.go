package meta

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

const (
	fileMode      = 0o600
	directoryMode = 0o700
	// snapshotsKept is how many snapshots stay on disk: a second one for the
	// case that the newest cannot be read.
	snapshotsKept = 2
	// boltTimeout bounds the wait for the database's own lock. Ours is held
	// already, so that nobody who plays by the rules has it.
	boltTimeout = time.Second
)

// ErrLocked is wrapped by errors for a data directory that another process uses.
var ErrLocked = errors.New("another process uses the data directory")

// disk is what a peer keeps: Raft's log, votes and snapshots, and the topology
// it served last.
//
//	lock        held while a process uses the directory
//	raft.db     Raft's log, term and vote
//	snapshots/  the newest snapshots
//	served      the topology that was published last
//
// All of it holds passwords: files are 0600, directories 0700.
type disk struct {
	directory string
	lock      *os.File
	bolt      *raftboltdb.BoltStore
	snapshots raft.SnapshotStore
}

// openDisk takes the directory for this process, and makes what is missing.
func openDisk(directory string, logger hclog.Logger) (_ *disk, err error) {
	if err := os.MkdirAll(directory, directoryMode); err != nil {
		return nil, fmt.Errorf("meta: data directory: %w", err)
	}
	if err := os.Chmod(directory, directoryMode); err != nil {
		return nil, fmt.Errorf("meta: data directory: %w", err)
	}
	d := &disk{directory: directory}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.lock, err = lockFile(filepath.Join(directory, "lock")); err != nil {
		return nil, fmt.Errorf("meta: data directory %s: %w", directory, err)
	}
	d.bolt, err = raftboltdb.New(raftboltdb.Options{
		Path:        filepath.Join(directory, "raft.db"),
		BoltOptions: &bbolt.Options{Timeout: boltTimeout},
	})
	if err != nil {
		return nil, fmt.Errorf("meta: Raft's log %s: %w", filepath.Join(directory, "raft.db"), err)
	}
	if d.snapshots, err = openSnapshots(directory, logger); err != nil {
		return nil, fmt.Errorf("meta: Raft's snapshots in %s: %w", directory, err)
	}
	return d, nil
}

// isNew says whether the directory holds nothing of Raft's.
func (d *disk) isNew() (bool, error) {
	used, err := raft.HasExistingState(d.bolt, d.bolt, d.snapshots)
	if err != nil {
		return false, fmt.Errorf("meta: data directory %s: %w", d.directory, err)
	}
	return !used, nil
}

// close gives the directory back.
func (d *disk) close() error {
	var errs []error
	if d.bolt != nil {
		errs = append(errs, d.bolt.Close())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Close())
	}
	return errors.Join(errs...)
}

// lockFile opens a file that one process can have open at a time. Its lock ends
// with the process, however that ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, err
	}
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		f.Close()
		return nil, ErrLocked
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}
