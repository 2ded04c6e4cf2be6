//go:build !linux

package pgserver

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// childAttributes puts a child into a process group of its own. Without
// Linux's parent death signal a server whose parent was killed ends by itself
// within a minute of its directory's removal.
func childAttributes(credential *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: credential}
}

// children lists the child processes of a postmaster.
func children(postmaster int, _ string) ([]int, error) {
	output, err := exec.Command("ps", "-A", "-o", "ppid=,pid=").Output()
	if err != nil {
		return nil, err
	}
	var pids []int
	for line := range strings.Lines(string(output)) {
		fields := strings.Fields(line)
		if len(fields) != 2 || fields[0] != strconv.Itoa(postmaster) {
			continue
		}
		if pid, err := strconv.Atoi(fields[1]); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// removeSharedMemory leaves the segment to the next start on the directory.
func removeSharedMemory(string) {}
