package meta

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// raftLogger gives Raft a logger that writes to ours and nowhere else.
func raftLogger(to *slog.Logger) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft", Output: io.Discard, Level: hclog.Off})
	l.RegisterSink(slogSink{to})
	return l
}

// slogSink hands on what Raft logs.
type slogSink struct{ to *slog.Logger }

var _ hclog.SinkAdapter = slogSink{}

// Accept implements hclog.SinkAdapter.
func (s slogSink) Accept(name string, level hclog.Level, msg string, args ...any) {
	at := slogLevel(level)
	if !s.to.Enabled(context.Background(), at) {
		return
	}
	attrs := []slog.Attr{slog.String("logger", name)}
	for ; len(args) >= 2; args = args[2:] {
		key, ok := args[0].(string)
		if !ok {
			key = "value"
		}
		attrs = append(attrs, slog.Any(strings.ReplaceAll(key, "-", "_"), args[1]))
	}
	s.to.LogAttrs(context.Background(), at, msg, attrs...)
}

func slogLevel(l hclog.Level) slog.Level {
	switch l {
	case hclog.Error:
		return slog.LevelError
	case hclog.Warn:
		return slog.LevelWarn
	default: // what Raft calls information is of use to those who look into Raft
		return slog.LevelDebug
	}
}
