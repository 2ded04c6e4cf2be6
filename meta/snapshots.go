package meta

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// snapshotStore is Raft's store of snapshot files, with files that only their
// owner can read: they hold passwords.
type snapshotStore struct {
	raft.SnapshotStore
	directory string
}

var _ raft.SnapshotStore = (*snapshotStore)(nil)

// openSnapshots opens the snapshots below the data directory.
func openSnapshots(data string, logger hclog.Logger) (raft.SnapshotStore, error) {
	directory := filepath.Join(data, "snapshots")
	if err := os.MkdirAll(directory, directoryMode); err != nil {
		return nil, err
	}
	files, err := raft.NewFileSnapshotStoreWithLogger(data, snapshotsKept, logger)
	if err != nil {
		return nil, err
	}
	return &snapshotStore{SnapshotStore: files, directory: directory}, nil
}

// Create implements raft.SnapshotStore.
func (s *snapshotStore) Create(version raft.SnapshotVersion, index, term uint64, c raft.Configuration,
	configurationIndex uint64, trans raft.Transport,
) (raft.SnapshotSink, error) {
	sink, err := s.SnapshotStore.Create(version, index, term, c, configurationIndex, trans)
	if err != nil {
		return nil, err
	}
	// Under this name until it is complete.
	if err := restrict(filepath.Join(s.directory, sink.ID()+".tmp")); err != nil {
		return nil, errors.Join(err, sink.Cancel())
	}
	return &snapshotSink{SnapshotSink: sink, directory: filepath.Join(s.directory, sink.ID())}, nil
}

// snapshotSink is one snapshot that is being written.
type snapshotSink struct {
	raft.SnapshotSink
	directory string
}

// Close implements raft.SnapshotSink.
func (s *snapshotSink) Close() error {
	if err := s.SnapshotSink.Close(); err != nil {
		return err
	}
	err := restrict(s.directory)
	if errors.Is(err, os.ErrNotExist) {
		return nil // a newer one took its place already
	}
	return err
}

// restrict takes everybody else's rights to a directory and its files.
func restrict(directory string) error {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Chmod(filepath.Join(directory, e.Name()), fileMode); err != nil {
			return err
		}
	}
	return os.Chmod(directory, directoryMode)
}
