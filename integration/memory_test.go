package integration

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// memory is the resident memory of the proxy's process in bytes.
func (p *proxy) memory() int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Errorf("memory of the proxy: %v", err)
		return 0
	}
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	var kB int64
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		p.t.Errorf("memory of the proxy: %v", err)
	}
	return kB << 10
}

// growth is by how much the proxy's memory was at most larger during f than
// before it, in bytes.
func (p *proxy) growth(t testing.TB, f func()) int64 {
	t.Helper()
	before := p.memory()
	most := before
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			most = max(most, p.memory())
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	f()
	close(done)
	watching.Wait()
	return most - before
}
