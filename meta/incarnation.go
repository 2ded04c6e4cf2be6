package meta

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// nextIncarnation numbers a start of this peer, above all starts before. It is
// close to the time of the start, so that a peer whose disk was lost begins
// above its predecessor too.
func (d *disk) nextIncarnation(now time.Time) (uint64, error) {
	path := filepath.Join(d.directory, "incarnation")
	next := newIncarnation(now)
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return 0, fmt.Errorf("meta: %w", err)
	default:
		last, err := strconv.ParseUint(string(bytes.TrimSpace(content)), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("meta: %s: %w: %w", path, ErrDamaged, err)
		}
		next = max(next, last+1)
	}
	if err := replaceFile(path, strconv.AppendUint(nil, next, 10)); err != nil {
		return 0, fmt.Errorf("meta: %w", err)
	}
	return next, nil
}

func newIncarnation(now time.Time) uint64 { return uint64(max(now.UnixMicro(), 1)) }
