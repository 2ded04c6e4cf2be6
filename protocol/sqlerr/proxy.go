package sqlerr

import "fmt"

// This file: limits and states of the proxy itself.

// TooManyConnections (53300, FATAL): max_client_conn is reached.
func TooManyConnections(limit int) *Error {
	e := newError(FaultProxy, "53300", 1040, "sorry, too many clients already").
		WithDetail(fmt.Sprintf("The limit is %d.", limit)).Fatal()
	e.Retryable = true
	return e
}

// QueueTimeout (53000): no connection to the node became free in time. Nothing
// was sent.
func QueueTimeout(node string) *Error {
	e := newError(FaultProxy, "53000", 1203,
		"timed out waiting for a free connection to node "+quote(node)).
		WithHint("Raise pool.max or pool.queue_timeout of the database, or shorten transactions.")
	e.Retryable = true
	return e
}

// QueueFull (53400): too many clients wait for the node already. Nothing was
// sent.
func QueueFull(node string) *Error {
	e := newError(FaultProxy, "53400", 1226,
		"too many clients are waiting for a connection to node "+quote(node))
	e.Retryable = true
	return e
}

// LimitExceeded (54000): the client asks for more than a limit allows: a
// message or a pipeline too large, too many parameters or statements. message
// names the limit.
func LimitExceeded(message string) *Error {
	return newError(FaultClient, "54000", 1153, message)
}

// QueryCanceled (57014): on the client's own request.
func QueryCanceled() *Error {
	return newError(FaultClient, "57014", 1317, "canceling statement due to user request")
}

// StatementTimeout (57014): the statement ran or waited for longer than
// allowed.
func StatementTimeout() *Error {
	return newError(FaultClient, "57014", 3024, "canceling statement due to statement timeout")
}

// AdminShutdown (57P01, FATAL): the proxy ends the session because it stops.
func AdminShutdown() *Error {
	return newError(FaultProxy, "57P01", 1053, "terminating connection due to administrator command").Fatal()
}

// CannotConnectNow (57P03, FATAL): the proxy, or the database, does not take
// clients at the moment. reason is a full message.
func CannotConnectNow(reason string) *Error {
	e := newError(FaultProxy, "57P03", 3168, reason).Fatal()
	e.Retryable = true
	return e
}

// NoLeader (57P03): a statement that changes what all peers must know was refused,
// because the peers cannot agree on anything now. Nothing was sent.
func NoLeader() *Error {
	e := newError(FaultProxy, "57P03", 3168,
		"the proxies have no leader, so nothing can be changed that all of them must know").
		WithHint("A majority of the voting peers must run and reach each other; other statements are served meanwhile.")
	e.Retryable = true
	return e
}

// Held (40001): the database takes no new statements because a change of its
// topology waits for those under way, and that took longer than a statement may
// wait. Nothing was sent.
func Held(database string) *Error {
	e := newError(FaultProxy, "40001", 1213,
		"timed out waiting for a change of database "+quote(database)+" to be made").
		WithHint("Run the transaction again. A change waits for open transactions: shorten them.")
	e.Retryable = true
	return e
}

// RetryTransaction (40001): the transaction was rolled back for a reason that
// is gone when it is tried again. reason is a full message.
func RetryTransaction(reason string) *Error {
	e := newError(FaultProxy, "40001", 1213, reason).WithHint("Run the transaction again.")
	e.Retryable = true
	return e
}

// Internal (XX000): a fault of the proxy. The client is told no more than
// that; cause is for the log.
func Internal(cause error) *Error {
	return newError(FaultProxy, "XX000", 1815, "internal error of the proxy").
		WithHint("The log of the proxy says more.").Wrap(cause)
}
