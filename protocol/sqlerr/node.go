package sqlerr

// This file: what a node did not do. What a node itself reports is not here:
// it goes to the client untouched.

// NodeUnavailable (08001): no connection to the node could be made. Nothing
// was sent.
func NodeUnavailable(node string) *Error {
	e := newError(FaultNode, "08001", 1429, "could not connect to node "+quote(node))
	e.Retryable = true
	return e
}

// NodeRejected (08004): the node refused the proxy's connection, as with a
// wrong password or identity. reason is what the operator has to know.
func NodeRejected(node, reason string) *Error {
	return newError(FaultNode, "08004", 1130, "node "+quote(node)+" rejected the connection: "+reason)
}

// NodeLost (08006): the connection broke after the statement may have reached
// the node. The proxy never sends it again by itself.
func NodeLost(node string) *Error {
	return newError(FaultNode, "08006", 1158, "the connection to node "+quote(node)+" was lost").
		WithDetail("The statement may or may not have taken effect; an open transaction was rolled back.")
}

// CommitUnknown (08007): the connection broke while a transaction was being
// committed.
func CommitUnknown(node string) *Error {
	return newError(FaultNode, "08007", 1180,
		"the connection to node "+quote(node)+" was lost during the commit").
		WithDetail("The transaction may or may not be committed.").
		WithHint("Check for its effects before running it again.")
}

// NodeProtocol (58000): the node sent what the protocol does not allow.
func NodeProtocol(node, message string) *Error {
	return newError(FaultNode, "58000", 1156, "unexpected message from node "+quote(node)+": "+message)
}
