package metrics

import "fmt"

// Class says how a statement ran: the classes of router/plan.
type Class uint8

// The classes.
const (
	Single   Class = iota // on one node, by its keys
	Subset                // on some nodes, each row on one
	Scatter               // on all nodes that own partitions
	Any                   // on one node, whichever
	All                   // on every node in order
	Local                 // answered by the proxy
	Nothing               // no row can match
	Rejected              // refused by the proxy

	classes = int(iota)
)

// String is the value of the label class.
func (c Class) String() string {
	switch c {
	case Single:
		return "single"
	case Subset:
		return "subset"
	case Scatter:
		return "scatter"
	case Any:
		return "any"
	case All:
		return "all"
	case Local:
		return "local"
	case Nothing:
		return "nothing"
	case Rejected:
		return "rejected"
	}
	return fmt.Sprintf("Class(%d)", uint8(c))
}

// Side says whose fault an error was.
type Side uint8

// The sides.
const (
	ByClient Side = iota // the client's request was wrong or is not supported
	ByProxy              // the proxy itself, its limits included
	ByNode               // a database server said so, or was not there

	sides = int(iota)
)

// String is the value of the label side.
func (s Side) String() string {
	switch s {
	case ByClient:
		return "client"
	case ByProxy:
		return "proxy"
	case ByNode:
		return "node"
	}
	return fmt.Sprintf("Side(%d)", uint8(s))
}

// Refusal says why a client was not logged in.
type Refusal uint8

// The refusals.
const (
	RefusedFull     Refusal = iota // max_client_conn
	RefusedDraining                // the proxy is stopping
	RefusedTimeout                 // login_timeout
	RefusedProtocol                // the startup was malformed or not supported
	RefusedTLS                     // the handshake failed, or TLS is required
	RefusedLogin                   // wrong password, unknown user or database, no right
	RefusedNode                    // no node could be asked for its parameters
	RefusedGone                    // the client went away by itself

	refusals = int(iota)
)

// String is the value of the label reason.
func (r Refusal) String() string {
	switch r {
	case RefusedFull:
		return "full"
	case RefusedDraining:
		return "draining"
	case RefusedTimeout:
		return "timeout"
	case RefusedProtocol:
		return "protocol"
	case RefusedTLS:
		return "tls"
	case RefusedLogin:
		return "login"
	case RefusedNode:
		return "node"
	case RefusedGone:
		return "gone"
	}
	return fmt.Sprintf("Refusal(%d)", uint8(r))
}

// CancelResult says what became of a cancel request.
type CancelResult uint8

// The results.
const (
	CancelForwarded CancelResult = iota // sent to the node that runs the statement
	CancelWaiting                       // ended a client's wait for a connection
	CancelIdle                          // the client was running nothing
	CancelUnknown                       // no client has this key
	CancelFailed                        // the node could not be told

	cancelResults = int(iota)
)

// String is the value of the label result.
func (r CancelResult) String() string {
	switch r {
	case CancelForwarded:
		return "forwarded"
	case CancelWaiting:
		return "waiting"
	case CancelIdle:
		return "idle"
	case CancelUnknown:
		return "unknown"
	case CancelFailed:
		return "failed"
	}
	return fmt.Sprintf("CancelResult(%d)", uint8(r))
}
