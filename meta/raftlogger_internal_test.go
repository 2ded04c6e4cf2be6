package meta

import (
	"bytes"
	"log/slog"
	"testing"
)

// TestRaftLogger: Raft's log goes where ours goes; what it calls information is
// for debugging.
func TestRaftLogger(t *testing.T) {
	var out bytes.Buffer
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	l := raftLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime})))
	l.Info("elected", "last-index", 7)
	l.Named("snapshot").With("id", "x").Warn("slow", "error", "e")
	l.Error("failed")
	want := "level=DEBUG msg=elected logger=raft last_index=7\n" +
		"level=WARN msg=slow logger=raft.snapshot id=x error=e\n" +
		"level=ERROR msg=failed logger=raft\n"
	if out.String() != want {
		t.Errorf("logged\n%swant\n%s", &out, want)
	}
}
