package topology_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
)

var update = flag.Bool("update", false, "write testdata/scripts anew")

// TestScripts runs each file of testdata/scripts: a line is a command or a
// question (script_command_test.go has the language), the indented lines below
// it are what came of it. Every step is held against what Apply promises.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// script is a run of one file.
type script struct {
	t     *testing.T
	top   *topology.Topology
	saved map[string]*topology.Topology
}

func runScript(t *testing.T, text string) string {
	s := &script{t: t, top: &topology.Topology{}, saved: make(map[string]*topology.Topology)}
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "  ") {
			continue
		}
		out.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		for answer := range strings.Lines(s.run(line)) {
			out.WriteString("  " + strings.TrimRight(answer, "\n") + "\n")
		}
	}
	return out.String()
}

func (s *script) run(line string) string {
	words := strings.Fields(line)
	switch words[0] {
	case "show":
		return s.show(words[1:])
	case "save":
		s.saved[words[1]] = s.top
		return ""
	}
	line = s.substitute(line)
	words = strings.Fields(line)
	var on topology.Epoch
	if at, ok := strings.CutPrefix(words[0], "@"); ok {
		on = topology.Epoch(number(s.t, at))
		line = strings.TrimSpace(strings.TrimPrefix(line, words[0]))
	}
	return s.apply(s.command(line), on)
}

// substitute writes numbers of the database that the line names for $armed (the
// armed change), $schema (the schema epoch) and $since (of the move that the line
// names).
func (s *script) substitute(line string) string {
	for words := strings.Fields(strings.TrimPrefix(line, "arm")); strings.Contains(line, "$"); {
		for _, w := range words {
			db := s.top.Databases[strings.TrimSuffix(w, ":")]
			if db == nil {
				continue
			}
			if db.Armed != nil {
				line = strings.ReplaceAll(line, "$armed", fmt.Sprint(db.Armed.ID))
			}
			if strings.Contains(line, "$since") {
				m := db.Moves[topology.MoveID(number(s.t, words[2]))]
				line = strings.ReplaceAll(line, "$since", fmt.Sprint(m.Since))
			}
			return strings.ReplaceAll(line, "$schema", fmt.Sprint(db.SchemaEpoch))
		}
		s.t.Fatalf("no database: %s", line)
	}
	return line
}

// apply makes the step and checks what is promised of any step.
func (s *script) apply(c topology.Command, on topology.Epoch) string {
	before := encode(s.t, s.top)
	next := apply(s.t, s.top, c, on)
	if !bytes.Equal(before, encode(s.t, s.top)) {
		s.t.Fatalf("%s changed the value it was applied to", c)
	}
	old := s.top
	s.top = next.top
	switch {
	case next.err != nil:
		return "refused, " + reason(s.t, next.err) + ": " + next.err.Error()
	case next.top == old:
		return "unchanged"
	}
	return fmt.Sprintf("epoch %d", s.top.Epoch)
}

// reason names what a refusal's error is.
func reason(t *testing.T, err error) string {
	var conflict *topology.Conflict
	if errors.As(err, &conflict) {
		return "conflict"
	}
	for _, r := range []struct {
		err  error
		name string
	}{
		{topology.ErrUnknownCommand, "unknown command"},
		{topology.ErrNotFound, "not found"},
		{topology.ErrExists, "exists"},
		{topology.ErrInUse, "in use"},
		{topology.ErrTransition, "transition"},
		{topology.ErrInvalid, "invalid"},
	} {
		if errors.Is(err, r.err) {
			return r.name
		}
	}
	t.Fatalf("a refusal is none of the package's: %v", err)
	return ""
}

type applied struct {
	top *topology.Topology
	err error
}

// apply encodes and applies a command, and checks: a refusal and a command that
// changes nothing return the same pointer; any other result is valid as a whole,
// one epoch further and survives its encoding.
func apply(t testing.TB, top *topology.Topology, c topology.Command, on topology.Epoch) applied {
	t.Helper()
	entry, err := topology.EncodeCommand(c, on)
	if err != nil {
		t.Fatalf("%s: %v", c, err)
	}
	next, err := topology.Apply(top, entry)
	switch {
	case next == nil:
		t.Fatalf("%s made nil", c)
	case err != nil && next != top:
		t.Fatalf("%s was refused (%v) and made another value", c, err)
	case next == top:
		return applied{next, err}
	}
	if _, jumps := c.(topology.Restore); !jumps && next.Epoch != top.Epoch+1 || next.Epoch <= top.Epoch {
		t.Fatalf("%s made epoch %d of %d", c, next.Epoch, top.Epoch)
	}
	if err := next.Validate(); err != nil {
		t.Fatalf("%s made an invalid topology: %v", c, err)
	}
	again, err := topology.Decode(encode(t, next))
	if err != nil {
		t.Fatalf("%s: %v", c, err)
	}
	if !bytes.Equal(encode(t, again), encode(t, next)) {
		t.Fatalf("%s made a topology that does not survive its encoding", c)
	}
	return applied{next, nil}
}

func encode(t testing.TB, top *topology.Topology) []byte {
	t.Helper()
	data, err := top.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}
