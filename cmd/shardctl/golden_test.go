package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/admin"
	"shardproxy/internal/config"
	"shardproxy/meta/topology"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares a text with testdata/NAME.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: -want +got\n%s", path, diff)
	}
}

// commands are run in order against one proxy; "<" begins standard input.
func commands() []string {
	return []string{
		"status",
		"nodes",
		"nodes list -d app",
		"tables",
		"ring",
		"peers",
		"users list",
		"flags",
		"explain one",
		"explain two",

		"nodes set pg-1 --weight 2",
		"nodes set pg-1 --dsn - < postgres://app:geheim@10.0.0.9/app",
		"nodes set pg-1 --dsn postgres://app:geheim@elsewhere/app",
		"add-node pg-3 postgres://app:geheim@10.0.0.3/app --dry-run",
		"add-node pg-9 postgres://app:geheim@10.0.0.9/app --dry-run",
		"add-node pg-3 - --weight 2 < postgres://app:geheim@10.0.0.3/app",
		"add-node pg-3 postgres://app:geheim@10.0.0.3/app",
		"remove-node pg-3 --dry-run",
		"remove-node pg-3",
		"remove-node pg-1",
		"remove-node pg-7",

		"peers add p4 --raft 10.0.1.4:7090 --admin 10.0.1.4:7080 --nonvoter",
		"peers promote p4",
		"peers remove p2",
		"peers remove p2 --force",

		"users set ann < geheim",
		"users set ann --databases app --node-hints",
		"users set bob --databases app",
		"users set bob --no-password",
		"users remove bob",
		"users remove bob",

		"flags set hold_budget 2s",
		"flags set hold_budget 2h",
		"flags unset hold_budget",

		"apply -f testdata/document.yaml --dry-run",
		"apply -f testdata/document.yaml",
		"apply -f testdata/document.yaml --yes",
		"apply -f testdata/document.yaml --yes",
		"apply -f testdata/refused.yaml --yes",

		"pause app",
		"status",
		"unpause app",
	}
}

// transcript runs the commands and writes down what they said.
func transcript(t *testing.T, p *proxy, commands []string, more ...string) string {
	t.Helper()
	env := map[string]string{"SHARDCTL_ADDR": p.serve(t, config.Admin{})}
	var text strings.Builder
	for _, line := range commands {
		words, stdin, _ := strings.Cut(line, " < ")
		code, stdout, stderr := shardctl(env, stdin, append(strings.Fields(words), more...)...)
		fmt.Fprintf(&text, "$ shardctl %s\n%s", line, stdout)
		if stderr != "" {
			fmt.Fprintf(&text, "! %s", strings.ReplaceAll(strings.TrimSuffix(stderr, "\n"), "\n", "\n! ")+"\n")
		}
		if code != exitOK {
			fmt.Fprintf(&text, "exit code %d\n", code)
		}
		text.WriteByte('\n')
	}
	if said := strings.ReplaceAll(text.String(), "postgres://app:geheim", ""); strings.Contains(strings.ReplaceAll(said, "< geheim", ""), "geheim") {
		t.Error("a secret was shown")
	}
	return text.String()
}

func TestTables(t *testing.T) {
	golden(t, "table.txt", transcript(t, &proxy{}, commands()))
}

func TestJSON(t *testing.T) {
	golden(t, "json.txt", transcript(t, &proxy{}, commands(), "-o", "json"))
}

// TestTroubled: what is not as it should be is said.
func TestTroubled(t *testing.T) {
	change, err := topology.EncodeCommand(topology.SetRules{Database: "app"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{edit: func(first *topology.Topology) {
		first.Databases["app"].Armed = &topology.Armed{
			ID: 11, What: `set the rules of database "app"`, Change: change,
			Hold: topology.Hold{Tables: []topology.TableName{{Schema: "public", Name: "orders"}}},
		}
	}}
	text := transcript(t, p, []string{"status"})
	p = &proxy{standing: &admin.Standing{Peer: "p2", State: "Candidate", Applied: 13}, notReady: errors.New("it is behind")}
	text += transcript(t, p, []string{"status", "peers"})
	p = &proxy{standing: &admin.Standing{Peer: "p2", Leader: "p1", State: "Follower"}}
	text += transcript(t, p, []string{"status"})
	golden(t, "troubled.txt", text)
}
