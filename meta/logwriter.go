package meta

import (
	"log/slog"
	"strings"
)

// logWriter takes what net/http logs: connections that did not speak HTTP.
type logWriter struct{ logger *slog.Logger }

// Write implements io.Writer.
func (w logWriter) Write(line []byte) (int, error) {
	w.logger.Debug("peer call", "problem", strings.TrimSpace(string(line)))
	return len(line), nil
}
