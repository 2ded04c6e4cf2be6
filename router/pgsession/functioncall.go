package pgsession

import (
	"shardproxy/protocol/sqlerr"
)

// functionCall refuses a FunctionCall message.
func (m *machine) functionCall() {
	switch {
	case m.state == stateSkip:
	case len(m.batch.messages) > 0 || m.batch.open:
		m.emitError(sqlerr.ProtocolViolation("FunctionCall message before the Sync of a batch").Fatal())
		m.state = stateEnd
	default:
		m.emitError(sqlerr.NotSupported("the FunctionCall message is not supported").
			WithHint("Call the function in a SELECT."))
		m.emitReady()
	}
}
