package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"shardproxy/internal/config"
)

// pty is a terminal with a test in front of it.
type pty struct {
	user, program *os.File

	mu    sync.Mutex
	shown bytes.Buffer
	read  sync.WaitGroup
}

func openPTY(t *testing.T) *pty {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(user.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &pty{user: user, program: program}
	p.read.Go(func() {
		buffer := make([]byte, 1024)
		for {
			n, err := user.Read(buffer)
			p.mu.Lock()
			p.shown.Write(buffer[:n])
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		program.Close() // ends the reading side
		p.read.Wait()
		user.Close()
	})
	return p
}

func (p *pty) screen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.ReplaceAll(p.shown.String(), "\r\n", "\n")
}

// await waits until the terminal shows a text.
func (p *pty) await(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(p.screen(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("the terminal never shows %q:\n%s", text, p.screen())
			return
		}
	}
}

// talk runs a command on the terminal. Each exchange is what is awaited, and
// what is typed then.
func talk(t *testing.T, addr string, exchanges [][2]string, args ...string) (code int, screen string) {
	t.Helper()
	p := openPTY(t)
	before, err := unix.IoctlGetTermios(int(p.program.Fd()), getTermios)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan int, 1)
	go func() {
		done <- run(append([]string{"--addr", addr}, args...), func(string) string { return "" }, p.program, p.program, p.program)
	}()
	for _, e := range exchanges {
		p.await(t, e[0])
		if _, err := p.user.WriteString(e[1]); err != nil {
			t.Error(err)
		}
	}
	select {
	case code = <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("it goes on:\n%s", p.screen())
	}
	after, err := unix.IoctlGetTermios(int(p.program.Fd()), getTermios)
	if err != nil || *after != *before {
		t.Errorf("the terminal is not as it was: %v", err)
	}
	fmt.Fprintln(p.program, "the end")
	p.await(t, "the end")
	return code, p.screen()
}

func TestAskForPassword(t *testing.T) {
	p := &proxy{}
	addr := p.serve(t, config.Admin{})
	ask := func(first, again string) (int, string) {
		exchanges := [][2]string{{"Password of ann: ", first}}
		if again != "" {
			exchanges = append(exchanges, [2]string{"Again: ", again})
		}
		return talk(t, addr, exchanges, "users", "set", "ann")
	}
	code, screen := ask("geheim\r", "geheim\r")
	if code != exitOK || strings.Contains(screen, "geheim") || !strings.Contains(screen, "user ann set, epoch 13") {
		t.Errorf("exit code %d:\n%s", code, screen)
	}
	// Typing errors corrected: the same password, so nothing changes.
	code, screen = ask("wrong\x15gehü\x7fein\bm\n", "geheim\n")
	if code != exitOK || !strings.Contains(screen, "epoch 13") {
		t.Errorf("exit code %d:\n%s", code, screen)
	}
	for name, typed := range map[string][2]string{
		"not the same": {"geheim\n", "gehein\n"},
		"empty":        {"\n", "\n"},
		"given up":     {"gehe\x03", ""},
		"end of input": {"\x04", ""},
	} {
		code, screen = ask(typed[0], typed[1])
		if code != exitFailed || !strings.Contains(screen, "nothing was changed") || strings.Contains(screen, "gehei") {
			t.Errorf("%s: exit code %d:\n%s", name, code, screen)
		}
	}
	if p.Current().Epoch != 13 {
		t.Errorf("epoch %d", p.Current().Epoch)
	}
}

func TestConfirm(t *testing.T) {
	p := &proxy{}
	addr := p.serve(t, config.Admin{})
	for reply, want := range map[string]int{"y\n": exitOK, "": exitFailed} {
		if reply == "" {
			p.reset()
			reply = "\n"
		}
		code, screen := talk(t, addr, [][2]string{{"Make these changes? [y/N] ", reply}}, "apply", "-f", "testdata/document.yaml")
		if code != want || !strings.Contains(screen, "+ user carl\n") {
			t.Errorf("%q: exit code %d:\n%s", reply, code, screen)
		}
		if (p.Current().Users["carl"] != nil) != (want == exitOK) {
			t.Errorf("%q: %v", reply, p.Current().Users)
		}
	}
}

// TestBars: on a terminal the ring has bars.
func TestBars(t *testing.T) {
	addr := (&proxy{}).serve(t, config.Admin{})
	code, screen := talk(t, addr, nil, "ring")
	want := `database app, 4 partitions, home on pg-2, epoch 12

NODE  PARTITIONS  SHARE  TARGET
pg-1  2           50.0%  25.0%  ####################
pg-2  2           50.0%  75.0%  ####################
the end
`
	if code != exitOK || screen != want {
		t.Errorf("exit code %d:\n%s", code, screen)
	}
	for share, want := range map[float64]int{0: 0, 0.001: 1, 0.5: 20, 1: 40} {
		if got := len(bar(share)); got != want {
			t.Errorf("%g: %d, want %d", share, got, want)
		}
	}
}
