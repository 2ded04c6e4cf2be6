package sqlerr

// The severities.
const (
	SeverityError = "ERROR"
	SeverityFatal = "FATAL"
)

func newError(fault Fault, sqlstate string, mysql uint16, message string) *Error {
	return &Error{Severity: SeverityError, SQLState: sqlstate, MySQL: mysql, Message: message, Fault: fault}
}

// ProtocolViolation (08P01): the client broke the rules of the protocol.
func ProtocolViolation(message string) *Error {
	return newError(FaultClient, "08P01", 1835, message)
}
