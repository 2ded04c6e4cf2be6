package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"shardproxy/meta"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/catalog"
)

const (
	// reloadTimeout bounds reading the catalogs of a database's nodes.
	reloadTimeout = time.Minute
	// The waits between attempts to read catalogs that could not be read.
	firstRetry = 500 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// schema keeps the relations of one database in step with its nodes.
type schema struct {
	name    string
	cluster proving
	logger  *slog.Logger
	reload  reload
	wake    chan struct{} // somebody asked

	// These belong to the goroutine of run.
	problems []catalog.Problem // as they were read last
	// told: somebody has said that the schema is another one, and it was not read
	// since.
	told bool

	mu struct {
		sync.Mutex
		asked   []chan<- reloaded
		stopped bool
	}
}

func newSchema(database string, c proving, r reload, logger *slog.Logger) *schema {
	return &schema{name: database, cluster: c, reload: r, logger: logger, wake: make(chan struct{}, 1)}
}

// reloaded is the answer to who asked for a reload.
type reloaded struct {
	warnings []string
	err      error
}

// ask makes run read the catalogs, from now on and not earlier.
func (s *schema) ask() <-chan reloaded {
	reply := make(chan reloaded, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.stopped {
		reply <- reloaded{err: sqlerr.AdminShutdown()}
		return reply
	}
	s.mu.asked = append(s.mu.asked, reply)
	s.nudge()
	return reply
}

// nudge makes run read the catalogs soon.
func (s *schema) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // it will
	}
}

// run reads the catalogs when it is asked to, and while they could not be read.
func (s *schema) run(ctx context.Context) {
	defer s.stop()
	wait := firstRetry
	timer := time.NewTimer(wait)
	defer timer.Stop()
	timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-timer.C:
		}
		if err := s.answer(ctx); err == nil {
			wait = firstRetry
			timer.Stop()
			continue
		}
		timer.Reset(wait)
		wait = min(2*wait, lastRetry)
	}
}

// stop answers those who still wait.
func (s *schema) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.stopped = true
	for _, reply := range s.mu.asked {
		reply <- reloaded{err: sqlerr.AdminShutdown()}
	}
	s.mu.asked = nil
}

// answer reads once, for all who have asked so far.
func (s *schema) answer(ctx context.Context) error {
	s.mu.Lock()
	asked := s.mu.asked
	s.mu.asked = nil
	s.mu.Unlock()
	limited, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	s.told = s.told || len(asked) > 0
	warnings, err := s.read(limited)
	retry := err
	switch {
	case err == nil:
		s.told = false
	case ctx.Err() != nil:
		err = sqlerr.AdminShutdown().Wrap(err) // nobody is served any more
	case errors.Is(err, meta.ErrNotLeader):
		retry, s.told = nil, false // another peer's task now
	case s.cluster.Current().Databases[s.name] == nil:
		retry, s.told = nil, false // it was removed
	case errors.Is(err, meta.ErrUnsettled):
		// What was read is in the topology: to refuse tables would tell nobody more.
		retry, s.told = nil, false
		s.logger.Error("schema read, but not every peer is known to have it", "error", err)
		err = sqlerr.Internal(err).WithDetail("The statement was run and the schema read; not every peer is known to have it yet.")
	case !s.told && !s.isStale():
		// Nobody says that anything has changed: what is known goes on.
		s.logger.Warn("schema not read again", "error", err)
	default:
		s.logger.Error("schema not read, statements on tables are refused until it is", "error", err)
		err = staleError(errors.Join(err, s.refuseTables(ctx)))
	}
	for _, reply := range asked {
		reply <- reloaded{warnings: warnings, err: err}
	}
	return retry
}
