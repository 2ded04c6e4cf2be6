package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"shardproxy/admin"
	"shardproxy/internal/config"
	"shardproxy/meta/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestExplainRequest(t *testing.T) {
	p := &proxy{}
	env := map[string]string{"SHARDCTL_ADDR": p.serve(t, config.Admin{})}
	code, stdout, stderr := shardctl(env, "SELECT 1;\n", "explain", "-d", "app", "-p", "42", "-p", `\N`, "--search-path", "a,b", "-o", "json", "-")
	if code != exitOK || !strings.HasPrefix(stdout, "{\n  \"database\": \"app\"") {
		t.Errorf("exit code %d, output %q, standard error %q", code, stdout, stderr)
	}
	want := admin.ExplainRequest{
		Database: "app", SQL: "SELECT 1;\n", Params: []admin.Param{{Text: "42"}, {Null: true}}, SearchPath: []string{"a", "b"},
	}
	if diff := cmp.Diff(want, p.asked); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestExitCodes(t *testing.T) {
	ready, starting := &proxy{}, &proxy{notReady: errors.New("it starts")}
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const nowhere = "http://127.0.0.1:1"
	addr, notReady := ready.serve(t, config.Admin{}), starting.serve(t, config.Admin{})
	guarded := (&proxy{}).serve(t, config.Admin{TokenFile: token})
	leaderless := (&proxy{refuse: admin.ErrNoLeader}).serve(t, config.Admin{})
	conflicting := (&proxy{refuse: &topology.Conflict{Current: 12, What: "the rules are being changed"}}).serve(t, config.Admin{})
	unsettled := (&proxy{refuse: admin.ErrUnsettled}).serve(t, config.Admin{})
	unknown := (&proxy{refuse: admin.ErrOutcomeUnknown}).serve(t, config.Admin{})
	broken := (&proxy{refuse: errors.New("a fault")}).serve(t, config.Admin{})
	tests := []struct {
		name   string
		env    map[string]string
		args   []string
		code   int
		output string
	}{
		{"help", nil, []string{}, exitOK, "Available Commands:"},
		{"not ready", nil, []string{"--addr", notReady, "status"}, exitRefused, "not ready: it starts"},
		{"unknown database", nil, []string{"--addr", addr, "nodes", "-d", "x"}, exitFailed, "peer p1: there is no database \"x\"\nHint: Databases: app\n"},
		{"a syntax error", nil, []string{"--addr", addr, "explain", "broken"}, exitFailed, `syntax error at or near "broken"`},
		{"a refused statement", nil, []string{"--addr", addr, "explain", "two"}, exitRefused, "Do not."},
		{"nobody there", nil, []string{"--addr", nowhere, "status"}, exitUnreachable, "connection refused"},
		{"nobody there to change", nil, []string{"--addr", nowhere, "pause", "app"}, exitUnreachable, "127.0.0.1:1"},
		{"the second is there", nil, []string{"--addr", nowhere + "," + addr, "status"}, exitOK, "ready"},
		{"no token", nil, []string{"--addr", guarded, "status"}, exitFailed, "a valid token is needed"},
		{"a token file", nil, []string{"--addr", guarded, "--token-file", token, "status"}, exitOK, "shardproxy v1, ready"},
		{"a token", map[string]string{"SHARDCTL_TOKEN": "0123456789abcdef"}, []string{"--addr", guarded, "status"}, exitOK, "ready"},
		{"no token file", nil, []string{"--token-file", "/nonexistent", "status"}, exitFailed, "no such file"},
		{"no authorities", nil, []string{"--ca", token, "status"}, exitFailed, "holds no certificate"},
		{"no key", nil, []string{"--cert", token, "status"}, exitFailed, "open : no such file"},
		{"the flag wins", map[string]string{"SHARDCTL_ADDR": nowhere}, []string{"--addr", addr, "status"}, exitOK, "ready"},
		{"not a URL", nil, []string{"--addr", "localhost", "status"}, exitUsage, "is not a URL"},
		{"a second that is none", nil, []string{"--addr", addr + ",", "status"}, exitUsage, "is not a URL"},
		{"unknown command", nil, []string{"statsu"}, exitUsage, `unknown command "statsu"`},
		{"unknown command of a group", nil, []string{"users", "ad"}, exitUsage, `unknown command "ad"`},
		{"unknown flag", nil, []string{"status", "--x"}, exitUsage, "unknown flag: --x"},
		{"unknown format", nil, []string{"status", "-o", "xml"}, exitUsage, "--output xml: table or json"},
		{"negative time", nil, []string{"status", "--timeout", "-1s"}, exitUsage, "negative"},
		{"nothing to explain", nil, []string{"explain", " "}, exitUsage, "there is no statement to explain"},
		{"too much to explain", nil, []string{"explain", "a", "b"}, exitUsage, "accepts 1 arg(s), received 2"},
		{"nothing to set", nil, []string{"nodes", "set", "pg-1"}, exitUsage, "nothing to set"},
		{"two passwords in one line", nil, []string{"users", "set", "x", "--password-file", "-", "--backend-password-file", "-"}, exitUsage, "not two"},
		{"a password on the command line", nil, []string{"users", "set", "x", "secret"}, exitUsage, "accepts 1 arg(s)"},
		{"two kinds of password", nil, []string{"users", "set", "x", "--password-file", token, "--no-password"}, exitUsage, "none of the others can be"},
		{"no peer addresses", nil, []string{"peers", "add", "p9"}, exitUsage, "--raft is needed"},
		{"no file", nil, []string{"apply"}, exitUsage, "-f FILE"},
		{"no such file", nil, []string{"apply", "-f", "/nonexistent"}, exitFailed, "no such file"},
		{"nobody to ask", nil, []string{"--addr", addr, "apply", "-f", "testdata/document.yaml"}, exitUsage, "--yes"},
		{"not a backup", nil, []string{"restore", token}, exitFailed, "not a backup"},
		{"no leader", nil, []string{"--addr", leaderless, "pause", "app"}, exitRefused, "Nothing was changed."},
		{"a conflict", nil, []string{"--addr", conflicting, "pause", "app"}, exitRefused, "the rules are being changed"},
		{"unsettled", nil, []string{"--addr", unsettled, "pause", "app"}, exitFailed, "the change was made"},
		{"unknown outcome", nil, []string{"--addr", unknown, "pause", "app"}, exitFailed, "Look whether the change is there"},
		{"a fault", nil, []string{"--addr", broken, "pause", "app"}, exitFailed, "the log of the peer says more"},
	}
	for _, test := range tests {
		code, stdout, stderr := shardctl(test.env, "", test.args...)
		if code != test.code || !strings.Contains(stdout+stderr, test.output) {
			t.Errorf("%s: exit code %d, want %d, with %q:\n%s%s", test.name, code, test.code, test.output, stdout, stderr)
		}
	}
}

// TestDocumentedExitCodes: the help and the manual agree with the code.
func TestDocumentedExitCodes(t *testing.T) {
	help := newRootCommand(os.Getenv).Long
	manual, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"0", "1", "2", "3", "4"} {
		if !strings.Contains(help, "\n  "+code+"  ") || !strings.Contains(string(manual), "| "+code+" | ") {
			t.Errorf("exit code %s is not explained", code)
		}
	}
}

func TestBackupAndRestore(t *testing.T) {
	p := &proxy{}
	env := map[string]string{"SHARDCTL_ADDR": p.serve(t, config.Admin{})}
	dir := t.TempDir()
	file := filepath.Join(dir, "backup")
	if err := os.WriteFile(file, []byte("an older one"), 0o644); err != nil {
		t.Fatal(err)
	}
	expect := func(code int, output string, args ...string) string {
		t.Helper()
		got, stdout, stderr := shardctl(env, "", args...)
		if got != code || !strings.Contains(stdout+stderr, output) {
			t.Errorf("%v: exit code %d, want %d, with %q:\n%s%s", args, got, code, output, stdout, stderr)
		}
		return stdout
	}
	expect(exitOK, "It holds passwords", "backup", file)
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	content, err := os.ReadFile(file)
	if err != nil || string(content) != expect(exitOK, "geheim", "backup", "-") {
		t.Errorf("the file and standard output differ: %v", err)
	}
	expect(exitOK, `"contains_secrets": true`, "backup", file, "-o", "json")
	expect(exitFailed, "no such file", "backup", filepath.Join(dir, "none", "backup"))

	before := p.Current()
	expect(exitOK, "removed", "users", "remove", "app")
	expect(exitRefused, "shardctl pause app", "restore", file)
	expect(exitOK, "paused", "pause", "app")
	expect(exitOK, "+ user: app", "restore", file, "--dry-run")
	expect(exitUsage, "--yes", "restore", file)
	if p.Current().Users["app"] != nil {
		t.Error("it was restored without a yes")
	}
	expect(exitOK, "done, epoch", "restore", file, "--yes")
	if diff := cmp.Diff(before.Users, p.Current().Users); diff != "" {
		t.Error(diff)
	}
	if err := os.WriteFile(file, content[:len(content)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	expect(exitFailed, "not all of one", "restore", file, "--yes")
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestCompletion(t *testing.T) {
	addr := (&proxy{}).serve(t, config.Admin{})
	tests := map[string]string{
		"nodes set ":         "pg-1\npg-2\n",
		"nodes set pg-1 ":    "",
		"remove-node ":       "pg-1\npg-2\n",
		"users set ":         "app\nreports\n",
		"users remove ":      "app\nreports\n",
		"flags set ":         "hold_budget\thow long transactions may wait for a change before it is given up\nmax_voters\t",
		"flags unset ":       "hold_budget\t",
		"peers remove ":      "p1\np2\np3\n",
		"peers promote ":     "p1\np2\np3\n",
		"pause ":             "app\n",
		"tables --database ": "app\n",
		"nodes ":             "list\t",
		"users l":            "list\t",
		"status ":            ":4\n",
		"backup ":            ":0\n",
	}
	for line, want := range tests {
		words := append([]string{"__complete"}, strings.Split(line, " ")...)
		code, stdout, stderr := shardctl(map[string]string{"SHARDCTL_ADDR": addr}, "", words...)
		if code != exitOK || !strings.HasPrefix(stdout, want) {
			t.Errorf("%q: exit code %d, %q, %q", line, code, stdout, stderr)
		}
		_, stdout, _ = shardctl(map[string]string{"SHARDCTL_ADDR": "http://127.0.0.1:1"}, "", words...)
		if strings.Contains(stdout, "refused") {
			t.Errorf("%q without a proxy: %q", line, stdout)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, stdout, stderr := shardctl(nil, "", "completion", shell); code != exitOK || !strings.Contains(stdout, "shardctl") {
			t.Errorf("%s: exit code %d: %s", shell, code, stderr)
		}
	}
}

// TestPasswordSources: wherever a password comes from, it arrives as it is.
func TestPasswordSources(t *testing.T) {
	p := &proxy{}
	addr := p.serve(t, config.Admin{})
	dir := t.TempDir()
	file := func(content string) string {
		path := filepath.Join(dir, "password")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const verifier = "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$" +
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	set := func(stdin string, args ...string) int {
		code, _, _ := shardctl(map[string]string{"SHARDCTL_ADDR": addr}, stdin, append([]string{"users", "set", "ann"}, args...)...)
		return code
	}
	same := func(password string) bool {
		// The same password again changes nothing.
		before := p.Current().Epoch
		return set(password) == exitOK && p.Current().Epoch == before
	}
	if set("geheim\n") != exitOK || !same("geheim") {
		t.Error("standard input")
	}
	if set("", "--password-file", file(" with blanks \r\n")) != exitOK || !same(" with blanks ") {
		t.Error("a file")
	}
	if set(verifier+"\n", "--password-file", "-") != exitOK || p.Current().Users["ann"].Secret != verifier {
		t.Error("a verifier")
	}
	if set("", "--backend-user", "be", "--backend-password-file", file("geheim")) != exitOK ||
		p.Current().Users["ann"].BackendPassword != "geheim" || p.Current().Users["ann"].Secret != verifier {
		t.Error("the password on the nodes")
	}
	for _, content := range []string{"", "\n", "two\nlines\n", strings.Repeat("x", maxSecret+1)} {
		if set(content) != exitFailed || set("", "--password-file", file(content)) != exitFailed {
			t.Errorf("%.10q was taken", content)
		}
	}
}

func TestSize(t *testing.T) {
	for bytes, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1 << 20: "1.0 MiB", 3 << 30: "3.0 GiB", 5 << 40: "5.0 TiB", 1 << 60: "1048576.0 TiB",
	} {
		if got := size(bytes); got != want {
			t.Errorf("%d: %s, want %s", bytes, got, want)
		}
	}
}
