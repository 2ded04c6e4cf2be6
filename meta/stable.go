package meta

import (
	"context"
	"log/slog"
	"time"

	"github.com/hashicorp/raft"
)

// termKey is the one that Raft stores its term under.
const termKey = "CurrentTerm"

// termRetry is the wait after a term could not be stored.
const termRetry = time.Second

// patientStore keeps Raft from ending the process when its term cannot be
// stored: a full disk must not stop queries. Raft waits instead, and takes no
// part in elections meanwhile.
type patientStore struct {
	raft.StableStore
	closing context.Context // the store is being closed
	wait    time.Duration
	logger  *slog.Logger
}

var _ raft.StableStore = (*patientStore)(nil)

// SetUint64 implements raft.StableStore.
func (p *patientStore) SetUint64(key []byte, value uint64) error {
	err := p.StableStore.SetUint64(key, value)
	if err == nil || string(key) != termKey {
		return err // a vote that is not stored is not given
	}
	p.logger.Error("Raft waits: its term cannot be stored", "error", err)
	for pause(p.closing, nil, p.wait) {
		if err := p.StableStore.SetUint64(key, value); err == nil {
			p.logger.Info("Raft goes on: its term is stored")
			return nil
		}
	}
	// Raft ends. That the term is not known to the next start does no harm:
	// nobody got this peer's vote in it.
	return nil
}
