package noderegistry

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestQuiet: what ends by itself is waited for; what does not is ended; the others
// stay, and so does who has not registered.
func TestQuiet(t *testing.T) {
	dsn, admin := registryOf(t)
	idle, short, open := registered(t, dsn, as("p-1", 1, 1)), registered(t, dsn, as("p-1", 1, 1)), registered(t, dsn, as("p-2", 1, 1))
	stranger := login(t, dsn)
	text(t, stranger, "BEGIN; SELECT 1")
	text(t, open, "BEGIN; CREATE TABLE t (n int); SELECT 1")
	done := make(chan error, 1)
	go func() {
		_, err := short.Exec(context.Background(), "SELECT pg_sleep(0.3)").ReadAll()
		done <- err
	}()
	for value[int](t, admin, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'") == 0 {
		time.Sleep(time.Millisecond)
	}
	n, err := Quiet(t.Context(), admin)
	if n != 1 || err != nil {
		t.Fatalf("ended %d, %v; want the one with an open transaction", n, err)
	}
	if err := <-done; err != nil {
		t.Errorf("a statement that ended by itself: %v", err)
	}
	if !alive(idle) || !alive(short) || !alive(stranger) || alive(open) {
		t.Errorf("alive: idle %v, short %v, stranger %v, open transaction %v", alive(idle), alive(short), alive(stranger), alive(open))
	}
}

// TestQuietLeavesNewWorkAlone: what begins after the first look may take as long as
// it wants.
func TestQuietLeavesNewWorkAlone(t *testing.T) {
	dsn, admin := registryOf(t)
	old, fresh := registered(t, dsn, as("p-1", 1, 1)), registered(t, dsn, as("p-1", 1, 1))
	text(t, old, "BEGIN; SELECT 1")
	began := make(chan struct{})
	go func() {
		defer close(began)
		for value[int](t, connect(t, cluster.AdminDSN(t, 0, dsn)), "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%FROM shardproxy.session AS s%'") == 0 {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(patience / 2) // behind the first looks, ahead of the end of its patience
		_, _ = fresh.Exec(context.Background(), "BEGIN").ReadAll()
	}()
	n, err := Quiet(t.Context(), admin)
	<-began
	if n != 1 || err != nil || !alive(fresh) || alive(old) {
		t.Errorf("ended %d, %v; the new one alive %v, the old one %v", n, err, alive(fresh), alive(old))
	}
}

func TestQuietNamesWhoIsBusy(t *testing.T) {
	dsn, admin := registryOf(t)
	open := registered(t, dsn, as("p-2", 7, 1))
	text(t, open, "BEGIN; SELECT 1")
	ctx, cancel := context.WithTimeout(t.Context(), patience/2)
	defer cancel()
	_, err := Quiet(ctx, admin)
	remaining, ok := errors.AsType[*RemainingError](err)
	if !ok || len(remaining.Sessions) != 1 || remaining.Sessions[0].Peer != (Peer{"p-2", 7}) {
		t.Errorf("error %v, want one that names p-2", err)
	}
	if !alive(open) {
		t.Error("ended ahead of time")
	}
}
