package meta

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
)

// TestErrorsSurviveTheWire: errors.Is and errors.As find the same at the other
// peer, and nothing else.
func TestErrorsSurviveTheWire(t *testing.T) {
	for _, c := range wireCodes() {
		t.Run(c.code, func(t *testing.T) {
			got := overTheWire(t, fmt.Errorf("through p1: %w", c.err))
			if got.Error() != "through p1: "+c.err.Error() {
				t.Errorf("it says %q", got)
			}
			for _, other := range wireCodes() {
				if errors.Is(got, other.err) != (other.code == c.code) {
					t.Errorf("errors.Is %s: %v", other.code, errors.Is(got, other.err))
				}
			}
		})
	}
	sent := &topology.Conflict{Decided: 3, Current: 4, What: "a move"}
	var conflict *topology.Conflict
	got := overTheWire(t, fmt.Errorf("%w: %w", ErrRefused, sent))
	if !errors.As(got, &conflict) || !errors.Is(got, ErrRefused) {
		t.Fatalf("%v", got)
	}
	if diff := cmp.Diff(sent, conflict); diff != "" {
		t.Error(diff)
	}
	if got := overTheWire(t, errors.New("unknown")); got.Error() != "unknown" {
		t.Error(got)
	}
}

func overTheWire(t *testing.T, err error) error {
	t.Helper()
	content, encodeErr := json.Marshal(toWire(err))
	if encodeErr != nil {
		t.Fatal(encodeErr)
	}
	var w wireError
	if err := decodeCall(strings.NewReader(string(content)), &w); err != nil {
		t.Fatal(err)
	}
	return w.error()
}
