package pgserver

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports tried lie below the range the kernel takes for outgoing
// connections (from 32768 on Linux), so that a server that is down for a while
// gets its port back.
const (
	lowestPort  = 15000
	highestPort = 31999
)

// freePort returns a port of 127.0.0.1 nobody listens on right now.
func freePort() (int, error) {
	for range 100 {
		if port := lowestPort + rand.IntN(highestPort-lowestPort+1); portIsFree(port) {
			return port, nil
		}
	}
	return 0, errors.New("found no free port on 127.0.0.1")
}

func portIsFree(port int) bool {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}
