package pgserver

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// childAttributes puts a child into a process group of its own (Ctrl-C is ours
// to handle) and makes the kernel send it SIGQUIT, PostgreSQL's immediate
// shutdown, when the thread that started it ends.
func childAttributes(credential *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Setpgid:    true,
		Pdeathsig:  syscall.SIGQUIT,
		Credential: credential,
	}
}

// children lists the processes of a server other than its postmaster: those
// that work in its data directory. That finds them after the postmaster's
// death too.
func children(postmaster int, dataDir string) ([]int, error) {
	dataDir, err := filepath.EvalSymlinks(dataDir)
	if err != nil {
		return nil, err
	}
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, link := range links {
		// Processes that end meanwhile or belong to others cannot be read.
		if dir, err := os.Readlink(link); err != nil || dir != dataDir {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if err == nil && pid != postmaster {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// removeSharedMemory removes the segment a killed postmaster left behind.
func removeSharedMemory(dataDir string) {
	if lock, err := readLockFile(dataDir); err == nil && lock.sharedID >= 0 {
		// Gone already is fine; in use cannot be, all its processes are gone.
		_, _ = unix.SysvShmCtl(lock.sharedID, unix.IPC_RMID, nil)
	}
}
