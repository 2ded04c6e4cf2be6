package main

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"shardproxy/meta"
	"shardproxy/meta/topology"
)

// TestSeedAmongOtherEntries: what else is agreed while the nodes are read does not
// end the first start of a cluster, nor does it when an earlier start has made the
// databases already.
func TestSeedAmongOtherEntries(t *testing.T) {
	t.Parallel()
	s := newSettings(t)
	s.write(t)
	c, err := loadConfig(s.path, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	e := new(engine)
	agreed := make(chan error, 1)
	flag := topology.SetFlag{Name: topology.FlagHoldBudget, Value: "7s"}
	e.store, err = meta.Open(meta.Options{Bootstrap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.store.Close(context.Background()) })
	if err := e.bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The log of what was found is written between the nodes and the databases.
	logger := slog.New(&onRecord{Handler: slog.DiscardHandler, do: func() {
		_, err := e.store.Propose(t.Context(), flag, 0)
		agreed <- err
	}})
	if err := e.seed(t.Context(), c, logger); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-agreed:
		if err != nil {
			t.Fatal(err)
		}
	default:
		t.Fatal("nothing was logged of the nodes")
	}
	first := e.store.Current()
	if first.Databases["app"] == nil || first.FlagValue(flag.Name) != "7s" || !e.seeded {
		t.Fatalf("the topology lacks something: %+v", first)
	}
	again := &engine{store: e.store}
	if err := again.seed(t.Context(), c, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
	if e.store.Current() != first || again.seeded {
		t.Error("the databases were made twice")
	}
}

// onRecord does something at the first record.
type onRecord struct {
	slog.Handler
	do   func()
	done bool
}

func (h *onRecord) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h *onRecord) Enabled(context.Context, slog.Level) bool { return true }

func (h *onRecord) Handle(context.Context, slog.Record) error {
	if !h.done {
		h.done = true
		h.do()
	}
	return nil
}
