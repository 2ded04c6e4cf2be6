package meta

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// failing is a store that fails some times.
type failing struct {
	raft.StableStore
	times int
}

var errDisk = errors.New("no space left on device")

func (f *failing) SetUint64(key []byte, value uint64) error {
	if f.times > 0 {
		f.times--
		return errDisk
	}
	return f.StableStore.SetUint64(key, value)
}

func TestTermIsStoredInTheEnd(t *testing.T) {
	store := func(ctx context.Context, times int) *patientStore {
		return &patientStore{&failing{raft.NewInmemStore(), times}, ctx, time.Millisecond, slog.New(slog.DiscardHandler)}
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := store(ctx, 3)
	if err := p.SetUint64([]byte(termKey), 7); err != nil {
		t.Error(err)
	}
	if term, err := p.GetUint64([]byte(termKey)); err != nil || term != 7 {
		t.Errorf("term %d, %v", term, err)
	}
	if err := store(ctx, 1).SetUint64([]byte("LastVoteTerm"), 7); !errors.Is(err, errDisk) {
		t.Errorf("a vote that was not stored: %v", err)
	}
	cancel()
	p = store(ctx, 1<<30)
	if err := p.SetUint64([]byte(termKey), 7); err != nil {
		t.Errorf("while the store is closed: %v", err)
	}
}

// TestTermKey: the term is where patientStore looks for it.
func TestTermKey(t *testing.T) {
	memory := raft.NewInmemStore()
	_, transport := raft.NewInmemTransport("p1")
	config := raft.DefaultConfig()
	config.LocalID = "p1"
	err := raft.BootstrapCluster(config, memory, memory, raft.NewInmemSnapshotStore(), transport,
		raft.Configuration{Servers: []raft.Server{{ID: "p1", Address: "p1"}}})
	if err != nil {
		t.Fatal(err)
	}
	if term, err := memory.GetUint64([]byte(termKey)); err != nil || term != 1 {
		t.Errorf("term %d, %v", term, err)
	}
}
