package main

import (
	"context"
	"io"
	"log/slog"

	"shardproxy/internal/config"
)

// newLogger logs to w as the configuration says. The level may be changed while
// the logger is in use.
func newLogger(w io.Writer, c config.Log) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	level.Set(levelOf(c))
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options)), level
	}
	return slog.New(slog.NewTextHandler(w, options)), level
}

// levelOf is the level of a configuration that was checked.
func levelOf(c config.Log) slog.Level {
	switch c.Level {
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// floor hides what is below a level from a handler.
type floor struct {
	slog.Handler
	level slog.Level
}

// Enabled implements slog.Handler.
func (f floor) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= f.level && f.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (f floor) WithAttrs(attrs []slog.Attr) slog.Handler {
	return floor{f.Handler.WithAttrs(attrs), f.level}
}

// WithGroup implements slog.Handler.
func (f floor) WithGroup(name string) slog.Handler { return floor{f.Handler.WithGroup(name), f.level} }
