package sqlerr

import "errors"

// This file: what can go wrong with a statement for several nodes.

// NumericOutOfRange (22003): a merged aggregate that its type cannot hold.
func NumericOutOfRange(value string) *Error {
	return newError(FaultClient, "22003", 1690, "value "+quote(value)+" is out of range")
}

// PartlyDone (55000): a statement for all nodes failed on one of them after
// others had run it. have lists those. cause is the failure; its text, or if
// it is an *Error its message, is shown to the client.
func PartlyDone(node, have string, cause error) *Error {
	text := cause.Error()
	if e, ok := errors.AsType[*Error](cause); ok && e != nil {
		text = e.Message
	}
	return newError(FaultNode, "55000", 1105,
		"statement for all nodes failed on node "+quote(node)+": "+text).
		WithDetail("Nodes that have run it: " + have + ".").
		WithHint("Repair the cause, then bring the other nodes to the same state; a statement with IF NOT EXISTS or IF EXISTS can be sent again.").
		Wrap(cause)
}
