package meta_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"shardproxy/meta"
	"shardproxy/meta/topology"
)

// TestServedFloor: a peer that starts without a majority serves what it served
// last, at once and not older, though its log has not been applied.
func TestServedFloor(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	var last topology.Epoch
	for range 5 {
		c.propose(c.leader(), user("ada"))
		last = c.propose(c.leader(), topology.RemoveUser{Name: "ada"})
	}
	before := c.converge(last)
	for _, p := range c.peers {
		c.kill(p)
	}
	prepared := topology.Epoch(0)
	p := c.peers[1]
	p.options.Preparers = []meta.Preparer{func(next *topology.Topology) {
		if next.Epoch <= prepared {
			t.Errorf("epoch %d was prepared after %d", next.Epoch, prepared)
		}
		prepared = next.Epoch
	}}
	c.start(p)
	if got := p.Current(); got == nil || got.Hash() != before.Hash() || prepared < last {
		t.Fatalf("it serves %v, want epoch %d", got, last)
	}
	if state := p.State(); state.Epoch != 0 {
		t.Fatalf("the log was applied without a leader, up to epoch %d: this tests nothing", state.Epoch)
	}
	if _, err := p.Propose(within(t, 700*time.Millisecond), user("bob"), 0); !errors.Is(err, meta.ErrNoLeader) {
		t.Errorf("a change without a majority: %v", err)
	}
	if p.Current().Epoch < last || p.IsNew() {
		t.Errorf("it serves epoch %d, new %v", p.Current().Epoch, p.IsNew())
	}
	c.start(c.peers[2])
	last = c.propose(p, user("bob"))
	c.converge(last)
	if got := p.Current().Peers[p.options.ID].Incarnation; got != p.Self().Incarnation {
		eventually(t, "the start is registered", func() bool {
			return p.Current().Peers[p.options.ID].Incarnation == p.Self().Incarnation
		})
	}
}

// TestSnapshotRestart: what a snapshot holds and what came after it are there
// after a restart.
func TestSnapshotRestart(t *testing.T) {
	t.Parallel()
	c := emptyCluster(t)
	p := c.bootstrap()
	c.propose(p, user("ada"))
	if err := p.Snapshot(); err != nil {
		t.Fatal(err)
	}
	last := c.propose(p, user("bob"))
	c.kill(p)
	files(t, p.options.DataDir)
	c.start(p)
	if got := p.State(); got.Epoch >= last {
		t.Logf("the state is at epoch %d before the log is applied", got.Epoch)
	}
	last = c.propose(p, user("cyd"))
	top := c.converge(last)
	if len(top.Users) != 3 {
		t.Errorf("users %v", top.Users)
	}
}

// files checks that nobody else can read what a peer keeps.
func files(t *testing.T, directory string) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		found++
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = fs.ModeDir | 0o700
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
		return nil
	})
	if err != nil || found < 7 { // with lock, raft.db, served, incarnation, a snapshot
		t.Errorf("%d files: %v", found, err)
	}
}

func TestDirectoryIsLocked(t *testing.T) {
	t.Parallel()
	c := emptyCluster(t)
	p := c.bootstrap()
	other := p.options
	other.Listen = nil
	if _, err := meta.Open(other); !errors.Is(err, meta.ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	if _, err := meta.Recover(meta.RecoverOptions{ID: p.options.ID, DataDir: p.options.DataDir}); !errors.Is(err, meta.ErrLocked) {
		t.Errorf("recovered while it runs: %v", err)
	}
	c.propose(p, user("ada"))
}

func TestDamagedFiles(t *testing.T) {
	for name, damage := range map[string]func(directory string) error{
		"served is cut off": func(d string) error { return os.Truncate(filepath.Join(d, "served"), 60) },
		"served has another content": func(d string) error {
			content, err := os.ReadFile(filepath.Join(d, "served"))
			if err != nil {
				return err
			}
			content[len(content)-10] ^= 1
			return os.WriteFile(filepath.Join(d, "served"), content, 0o600)
		},
		"incarnation is no number": func(d string) error {
			return os.WriteFile(filepath.Join(d, "incarnation"), []byte("x"), 0o600)
		},
		"Raft's log is gone": func(d string) error { return os.Remove(filepath.Join(d, "raft.db")) },
	} {
		t.Run(name, func(t *testing.T) {
			c := emptyCluster(t)
			p := c.bootstrap()
			c.kill(p)
			if err := damage(p.options.DataDir); err != nil {
				t.Fatal(err)
			}
			if store, err := meta.Open(p.options); !errors.Is(err, meta.ErrDamaged) {
				t.Errorf("error %v, want ErrDamaged", err)
				if err == nil {
					_ = store.Kill()
				}
			}
		})
	}
}

// TestDiskFull: what cannot be written is not published, and the peer says so
// and goes on by itself when it can be.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	c := emptyCluster(t)
	p := c.bootstrap()
	before := p.Current()
	// A directory in the place of the file makes each write fail.
	next := filepath.Join(p.options.DataDir, "served.next")
	if err := os.Mkdir(next, 0o700); err != nil {
		t.Fatal(err)
	}
	epoch, err := p.Propose(within(t, 300*time.Millisecond), user("ada"), 0)
	if !errors.Is(err, meta.ErrUnpublished) || epoch != before.Epoch+1 {
		t.Errorf("epoch %d, %v, want ErrUnpublished", epoch, err)
	}
	if p.Err() == nil || p.Current() != before {
		t.Errorf("Err %v, epoch %d", p.Err(), p.Current().Epoch)
	}
	if err := os.Remove(next); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(c.ctx(), epoch); err != nil {
		t.Error(err)
	}
	eventually(t, "no error any more", func() bool { return p.Err() == nil })
}

func TestOptions(t *testing.T) {
	listen := &meta.ListenOptions{Address: "127.0.0.1:0"}
	tests := map[string]meta.Options{
		"no id":              {DataDir: t.TempDir()},
		"an id with a slash": {ID: "a/b", DataDir: t.TempDir()},
		"no directory":       {ID: "a", Listen: listen},
		"no address":         {ID: "a", DataDir: t.TempDir(), Listen: &meta.ListenOptions{Address: "nowhere"}},
		"every address":      {ID: "a", DataDir: t.TempDir(), Listen: &meta.ListenOptions{Address: ":0"}},
		"an advertised address without a port": {ID: "a", DataDir: t.TempDir(), Listen: &meta.ListenOptions{
			Address: "127.0.0.1:0", Advertise: "localhost",
		}},
	}
	for name, options := range tests {
		t.Run(name, func(t *testing.T) {
			if s, err := meta.Open(options); err == nil {
				_ = s.Kill()
				t.Error("opened")
			}
		})
	}
}
