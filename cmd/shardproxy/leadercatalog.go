package main

import (
	"context"
	"time"

	"shardproxy/protocol/sqlerr"
	"shardproxy/router/pgsession"
)

// leaderCatalog has the leader read a schema that statements of this peer's
// clients have changed. It implements pgsession.Catalog.
type leaderCatalog struct {
	engine *engine
	// ctx ends the waits for a leader with the engine.
	ctx context.Context
}

var _ pgsession.Catalog = (*leaderCatalog)(nil)

// leaderPatience is how long a statement waits for a leader. When one is lost the
// next is there sooner, unless there is no majority.
const leaderPatience = 5 * time.Second

// Changing implements pgsession.Catalog.
func (l *leaderCatalog) Changing(ctx context.Context, _ string) error {
	limited, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	if _, err := l.engine.leader(limited); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return sqlerr.NoLeader()
	}
	return nil
}

// Changed implements pgsession.Catalog. The leader is told even if ctx ends
// before.
func (l *leaderCatalog) Changed(ctx context.Context, database string) ([]string, error) {
	answers := make(chan schemaAnswer, 1)
	l.engine.background.Go(func() { answers <- l.tell(database) })
	select {
	case answer := <-answers:
		if answer.Error != nil {
			return answer.Warnings, answer.Error
		}
		return answer.Warnings, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// tell asks one leader after the other until one has read the schema, and waits
// until this peer has what it has published.
func (l *leaderCatalog) tell(database string) schemaAnswer {
	e := l.engine
	for wait := leaderPoll; ; wait = min(2*wait, slowestTell) {
		if answer, ok := l.tryLeader(database); ok {
			if err := e.store.Wait(l.ctx, answer.Epoch); err != nil && answer.Error == nil {
				answer.Error = sqlerr.AdminShutdown().Wrap(err)
			}
			return answer
		}
		select {
		case <-l.ctx.Done():
			return schemaAnswer{Error: sqlerr.AdminShutdown()}
		case <-time.After(wait):
		}
	}
}

// slowestTell is the longest wait between two attempts to tell a leader.
const slowestTell = time.Second

func (l *leaderCatalog) tryLeader(database string) (answer schemaAnswer, ok bool) {
	e := l.engine
	ctx, cancel := context.WithTimeout(l.ctx, reloadTimeout)
	defer cancel()
	if e.store.IsLeader() {
		answer = e.schemaChanged(ctx, database)
		return answer, !answer.NotLeader
	}
	leader := e.store.Leader()
	if leader == "" || leader == e.store.Self().ID {
		return answer, false
	}
	asked, done := e.whileLeads(ctx, leader)
	defer done()
	answer, err := e.askSchema(asked, leader, database)
	return answer, err == nil && !answer.NotLeader
}
