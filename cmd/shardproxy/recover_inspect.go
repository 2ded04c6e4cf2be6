package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"shardproxy/internal/config"
	"shardproxy/meta"
	"shardproxy/meta/topology"
)

// holding is what the data directory of a stopped peer holds.
type holding struct {
	self topology.PeerID
	// served is the topology that was published last; nil: none ever was.
	served *topology.Topology
	at     time.Time // when
	// epoch is the newest one that the disk leads to. It may be ahead of what was
	// served: others need not have agreed on that.
	epoch topology.Epoch
	// after is what a recovery makes of it.
	after *topology.Topology
}

// rehearsalPrefix begins the names of copies of a data directory, which lie in it.
const rehearsalPrefix = "recover-"

// inspect looks at the directory of the peer of a configuration and changes
// nothing of it: it recovers a copy.
func inspect(c *config.Config) (_ *holding, err error) {
	directory := c.Peer.DataDir
	if err := checkDirectory(directory); err != nil {
		return nil, err
	}
	stray, err := filepath.Glob(filepath.Join(directory, rehearsalPrefix+"*"))
	if err != nil {
		return nil, err
	}
	for _, path := range stray { // of a run that was killed
		if err := os.RemoveAll(path); err != nil {
			return nil, err
		}
	}
	rehearsal, err := os.MkdirTemp(directory, rehearsalPrefix+"*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(rehearsal)) }()
	if err := copyStopped(directory, rehearsal); err != nil {
		return nil, err
	}
	return rehearse(c, rehearsal)
}

// checkDirectory refuses what is no directory of a peer, and whoever would leave
// files there that the peer cannot read.
func checkDirectory(directory string) error {
	info, err := os.Stat(directory)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("peer.data_dir: %s does not exist: nothing was ever kept there", directory)
	}
	if err != nil {
		return fmt.Errorf("peer.data_dir: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("peer.data_dir: %s is not a directory", directory)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("peer.data_dir: %s belongs to the user with the id %d, and this is %d: run recover as the user that the peer runs as",
			directory, owner.Uid, os.Geteuid())
	}
	if _, err := os.Stat(filepath.Join(directory, "raft.db")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("peer.data_dir: %s holds no cluster: nothing was ever kept there", directory)
	} else if err != nil {
		return fmt.Errorf("peer.data_dir: %w", err)
	}
	return nil
}

// copyStopped copies the directory of a peer that does not run meanwhile.
func copyStopped(from, to string) error {
	lock, err := os.OpenFile(filepath.Join(from, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("peer.data_dir: %w", err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return runningError(from)
	} else if err != nil {
		return fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		source, target := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), rehearsalPrefix):
		case e.IsDir():
			err = os.CopyFS(target, os.DirFS(source))
		default:
			err = copyFile(source, target)
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", source, err)
		}
	}
	return nil
}

// copyFile copies a file for the owner's eyes only.
func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// rehearse finds out what a copy of the directory holds, and uses the copy up.
func rehearse(c *config.Config, copied string) (*holding, error) {
	h := &holding{self: topology.PeerID(c.Peer.ID)}
	store, err := meta.Open(meta.Options{ID: h.self, DataDir: copied})
	if err != nil {
		return nil, fmt.Errorf("peer.data_dir: %s: %w", c.Peer.DataDir, err)
	}
	h.served = store.Current()
	if err := store.Close(context.Background()); err != nil {
		return nil, err
	}
	if h.served != nil {
		info, err := os.Stat(filepath.Join(c.Peer.DataDir, "served"))
		if err != nil {
			return nil, err
		}
		h.at = info.ModTime()
	}
	o := recoverOptions(c)
	o.DataDir = copied
	if h.after, err = meta.Recover(o); err != nil {
		if h.served == nil {
			err = fmt.Errorf("no topology was ever served from it: %w", err)
		}
		return nil, fmt.Errorf("peer.data_dir: %s: %w", c.Peer.DataDir, err)
	}
	// How far a recovery brings the epoch forward shows when it is repeated.
	again, err := meta.Recover(o)
	if err != nil {
		return nil, err
	}
	h.epoch = h.after.Epoch - (again.Epoch - h.after.Epoch)
	return h, nil
}
