// Package sqlerr is the only home of SQLSTATEs and MySQL error numbers: every
// error a client can see is one of its values.
package sqlerr

// Fault says whose fault an error was, for metrics and logs.
type Fault uint8

// The faults.
const (
	FaultClient Fault = iota + 1 // the statement or the connection
	FaultProxy                   // a limit or a state of the proxy
	FaultNode                    // a node did not do what it should
)

// String is the name of the side, as metrics have it.
func (f Fault) String() string {
	switch f {
	case FaultClient:
		return "client"
	case FaultProxy:
		return "proxy"
	case FaultNode:
		return "node"
	default:
		return "unknown"
	}
}

// Error is an error as a client sees it. Values are never changed: the With
// methods return copies.
type Error struct {
	Severity string // "ERROR" or "FATAL"
	SQLState string // five characters
	MySQL    uint16 // MySQL error number
	Message  string
	Detail   string
	Hint     string
	Position int // 1-based character of the statement, 0: unknown
	// Retryable: the client may run the whole transaction again.
	Retryable bool
	Fault     Fault
	cause     error
}
