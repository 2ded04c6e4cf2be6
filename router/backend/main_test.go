package backend

import (
	"testing"

	"go.uber.org/goleak"

	"shardproxy/internal/pgserver/pgservertest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, pgservertest.IgnoreServers())
}
