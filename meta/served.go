package meta

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"shardproxy/meta/topology"
)

// servedHeader begins the file of the topology that was published last. A
// checksum of the value follows, then the value.
const servedHeader = "shardproxy served 1\n"

// ErrDamaged is wrapped by errors for files that do not hold what was written.
var ErrDamaged = errors.New("the file is damaged")

// servedFile is the topology that this peer published last. It is on disk
// before anybody sees it, so that a restarted peer never serves an older one.
//
// Raft's log and snapshots would not do: they are not applied before a leader
// says what is committed.
type servedFile struct{ path string }

func (d *disk) served() servedFile { return servedFile{filepath.Join(d.directory, "served")} }

// read returns nil without an error where there is no file.
func (f servedFile) read() (*topology.Topology, error) {
	content, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("meta: %w", err)
	}
	content, ok := bytes.CutPrefix(content, []byte(servedHeader))
	if !ok || len(content) < sha256.Size {
		return nil, fmt.Errorf("meta: %s: %w, or of a newer program", f.path, ErrDamaged)
	}
	value := content[sha256.Size:]
	if sum := sha256.Sum256(value); !bytes.Equal(sum[:], content[:sha256.Size]) {
		return nil, fmt.Errorf("meta: %s: %w: its checksum is another", f.path, ErrDamaged)
	}
	t, err := topology.Decode(value)
	if err != nil {
		return nil, fmt.Errorf("meta: %s: %w", f.path, err)
	}
	return t, nil
}

// write replaces the file, durably.
func (f servedFile) write(t *topology.Topology) error {
	value, err := t.Encode()
	if err != nil {
		return fmt.Errorf("meta: encode epoch %d: %w", t.Epoch, err)
	}
	sum := sha256.Sum256(value)
	if err := replaceFile(f.path, []byte(servedHeader), sum[:], value); err != nil {
		return fmt.Errorf("meta: %w", err)
	}
	return nil
}

// replaceFile gives a file new content: after a crash it has the old or the new
// one, and after the return the new one.
func replaceFile(path string, content ...[]byte) (err error) {
	next := path + ".next"
	file, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	for _, part := range content {
		if err == nil {
			_, err = file.Write(part)
		}
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// syncDirectory makes the names in a directory durable.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
