package sqlerr

import "strings"

// The severities.
const (
	SeverityError = "ERROR" // the statement failed, the connection lives on
	SeverityFatal = "FATAL" // the connection ends with it
)

// newError is the only way to a SQLSTATE: one constructor per condition calls
// it, and no other package invents one.
func newError(fault Fault, sqlstate string, mysql uint16, message string) *Error {
	return &Error{Severity: SeverityError, SQLState: sqlstate, MySQL: mysql, Message: message, Fault: fault}
}

// maxQuoted is the most bytes of a client's input a message repeats.
const maxQuoted = 128

// quote puts a name or value a client sent into double quotes, as PostgreSQL's
// messages do, cut where it is long.
func quote(s string) string {
	if len(s) > maxQuoted {
		s = s[:maxQuoted] + "..."
	}
	return `"` + strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "?") + `"`
}
