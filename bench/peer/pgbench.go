package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// writeScript writes the transaction: one point select by the shard key.
func writeScript(dir string, rows int) (string, error) {
	path := filepath.Join(dir, "select.pgbench")
	script := fmt.Sprintf("\\set id random(1, %d)\nSELECT n, filler FROM accounts WHERE user_id = :id;\n", rows)
	return path, os.WriteFile(path, []byte(script), 0o644)
}

// outcome is what pgbench says of one run.
type outcome struct {
	statements int
	tps        float64
	latency    time.Duration // average
}

// bench runs pgbench once against a target; length is its option that ends it.
func (s *site) bench(ctx context.Context, t target, c combination, length string) (outcome, error) {
	name := database
	if other, ok := t.databases[c.protocol]; ok {
		name = other
	}
	cmd := exec.CommandContext(ctx, s.pgbench,
		"--no-vacuum", length, "--file="+s.script, "--protocol="+c.protocol,
		"--client="+strconv.Itoa(c.clients), "--jobs="+strconv.Itoa(min(2, c.clients)),
		"--host=127.0.0.1", "--port="+strconv.Itoa(t.port), "--username="+account, name)
	cmd.Env = []string{"PGPASSWORD=" + password, "PGSSLMODE=disable", "LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	output, err := runLocked(cmd)
	if ctx.Err() != nil {
		return outcome{}, ctx.Err()
	}
	if err != nil {
		return outcome{}, fmt.Errorf("pgbench: %w\n%s", err, output)
	}
	return parseOutcome(string(output))
}

// runLocked runs a program on a thread that cannot end before it.
func runLocked(cmd *exec.Cmd) ([]byte, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return cmd.CombinedOutput()
}

// parseOutcome reads pgbench's summary. A run with a failed transaction is no
// measurement.
func parseOutcome(output string) (outcome, error) {
	var o outcome
	if strings.Contains(output, "aborted") {
		return o, fmt.Errorf("pgbench: a client was aborted:\n%s", output)
	}
	statements, err1 := number(output, `transactions actually processed: ([0-9]+)`)
	failed, err2 := number(output, `failed transactions: ([0-9]+)`)
	tps, err3 := number(output, `tps = ([0-9.]+)`)
	latency, err4 := number(output, `latency average = ([0-9.]+) ms`)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return o, fmt.Errorf("%w:\n%s", err, output)
	}
	if failed > 0 || statements == 0 {
		return o, fmt.Errorf("pgbench: transactions failed:\n%s", output)
	}
	o.statements, o.tps = int(statements), tps
	o.latency = time.Duration(latency * float64(time.Millisecond))
	return o, nil
}

func number(text, pattern string) (float64, error) {
	match := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if match == nil {
		return 0, fmt.Errorf("pgbench did not say %q", pattern)
	}
	return strconv.ParseFloat(match[1], 64)
}
