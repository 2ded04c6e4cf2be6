package admin

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// errorLog passes what the metrics handler complains about to slog.
type errorLog struct{ logger *slog.Logger }

var _ promhttp.Logger = errorLog{}

// Println implements promhttp.Logger.
func (l errorLog) Println(values ...any) {
	l.logger.Error("metrics failed", "error", strings.TrimSpace(fmt.Sprintln(values...)))
}
