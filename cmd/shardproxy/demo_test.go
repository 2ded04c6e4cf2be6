package main

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// folders are the temporary folders that a demo says it uses.
func (p *process) folders() []string {
	re := regexp.MustCompile(`(?m)^  pg-\d+ .* (/\S+)$`)
	var folders []string
	for _, line := range re.FindAllStringSubmatch(p.output.String(), -1) {
		folders = append(folders, line[1])
	}
	return folders
}

// leftovers looks for what a demo should have removed: its folders, and
// processes that work in them or were told of them. Watchers may take a moment.
func leftovers(t *testing.T, folders []string) {
	t.Helper()
	if len(folders) == 0 {
		t.Fatal("no folders to look for")
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		found := remains(folders)
		if len(found) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind: %v", found)
		}
	}
}

func remains(folders []string) []string {
	var found []string
	for _, folder := range folders {
		if _, err := os.Stat(folder); err == nil {
			found = append(found, folder)
		}
	}
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range processes {
		command, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		cwd, _ := os.Readlink(filepath.Join(dir, "cwd"))
		for _, folder := range folders {
			if strings.Contains(string(command), folder) || strings.HasPrefix(cwd, folder) {
				found = append(found, dir+": "+strings.ReplaceAll(string(command), "\x00", " "))
			}
		}
	}
	return found
}

func TestDemoOnce(t *testing.T) {
	t.Parallel()
	p := launch(t, nil, "demo", "--once")
	if code := p.code(); code != exitOK {
		t.Fatalf("exit code %d, want %d", code, exitOK)
	}
	out := p.output.String()
	for _, want := range []string{
		"3 PostgreSQL servers behind one DSN",
		"30 users, 60 projects, 180 documents in ",
		"RETURNING id  -> 31",
		"SELECT count(*) FROM documents                     -> 186   on pg-1, pg-2, pg-3",
		"KEY      PARTITION  THE PROXY SAYS  ROWS ON PG-1  ROWS ON PG-2  ROWS ON PG-3\n   user:1 ",
		"(partitions)  13",
		"pg-3     postgres://app:app@127.0.0.1:",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output has no %q", want)
		}
	}
	if n := len(p.folders()); n != 3 {
		t.Fatalf("%d folders, want 3", n)
	}
	if found := remains(p.folders()); len(found) != 0 { // at its end, not a moment later
		t.Errorf("left behind: %v", found)
	}
}

// TestDemoStaysUp: until Ctrl-C, on the port it was given.
func TestDemoStaysUp(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	port := address[strings.LastIndexByte(address, ':')+1:]
	p := launch(t, nil, "demo", "--nodes", "1", "--port", port)
	p.await("Ctrl-C stops everything")
	conn, err := pgx.Connect(t.Context(), "postgres://app:app@"+address+"/app")
	if err != nil {
		t.Fatal(err)
	}
	defer closeNow(conn)
	must(t, conn, "BEGIN") // which does not keep it from stopping
	if n := count(t, conn, "SELECT count(*) FROM users"); n != 31 {
		t.Errorf("%d users, want 31", n)
	}
	p.signal(syscall.SIGINT)
	if code := p.code(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
	leftovers(t, p.folders())
}

// TestDemoInterrupted: at any moment, and even killed, it leaves nothing behind.
func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	for _, at := range []struct {
		name, pattern string
		signal        syscall.Signal
		code          int
	}{
		{"while servers start", "behind one DSN", syscall.SIGINT, exitFailed},
		{"during the tour", "(?m)^2\\. ", syscall.SIGTERM, exitFailed},
		{"killed", "(?m)^3\\. ", syscall.SIGKILL, -1},
	} {
		t.Run(at.name, func(t *testing.T) {
			t.Parallel()
			temporary := demoTemp(t)
			p := launch(t, []string{"TMPDIR=" + temporary}, "demo", "--nodes", "1", "--once")
			p.await(at.pattern)
			p.signal(at.signal)
			if code := p.code(); code != at.code {
				t.Errorf("exit code %d, want %d", code, at.code)
			}
			if at.code == exitFailed && !strings.Contains(p.output.String(), errInterrupted.Error()) {
				t.Error("it does not say that it was interrupted")
			}
			folders, err := filepath.Glob(filepath.Join(temporary, "*"))
			if err != nil {
				t.Fatal(err)
			}
			leftovers(t, append(folders, filepath.Join(temporary, "shardproxy-pg-")))
		})
	}
}

// demoTemp is a folder for temporary folders that every user may enter.
func demoTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "demo")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDemoFails(t *testing.T) {
	t.Parallel()
	broken := t.TempDir()
	psql := "#!/bin/sh\necho 'psql: broken on purpose' >&2\nexit 3\n"
	if err := os.WriteFile(filepath.Join(broken, "psql"), []byte(psql), 0o755); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	_, taken, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		env  []string
		args []string
		want []string
	}{
		{
			"a port in use", nil,
			[]string{"--port", taken},
			[]string{"--port: listen tcp 127.0.0.1:" + taken + ": bind: address already in use"},
		},
		{
			"a step",
			[]string{"PATH=" + broken + ":" + os.Getenv("PATH")},
			nil,
			[]string{`step 4, "Write and read with psql": psql: exit status 3: psql: broken on purpose`, "the log of the proxy ends with"},
		},
		{
			"no PostgreSQL",
			[]string{"SHARDPROXY_PG_BINDIR=" + broken},
			nil,
			[]string{"start PostgreSQL: ", "apt-get install -y postgresql"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := launch(t, test.env, append([]string{"demo", "--nodes", "1", "--once"}, test.args...)...)
			if code := p.code(); code != exitFailed {
				t.Errorf("exit code %d, want %d", code, exitFailed)
			}
			for _, want := range test.want {
				if !strings.Contains(p.output.String(), want) {
					t.Errorf("the output has no %q", want)
				}
			}
			if found := remains(p.folders()); len(found) != 0 {
				t.Errorf("left behind: %v", found)
			}
		})
	}
}
