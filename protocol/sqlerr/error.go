package sqlerr

// Error is the severity, the message and the SQLSTATE, as psql shows them.
func (e *Error) Error() string {
	if e == nil {
		return "no error"
	}
	return e.Severity + ": " + e.Message + " (SQLSTATE " + e.SQLState + ")"
}

// Unwrap is what was given to Wrap. Clients never see it.
func (e *Error) Unwrap() error {
	if e == nil { // a nil *Error in an error interface must not panic errors.As
		return nil
	}
	return e.cause
}

// WithDetail returns a copy with another detail.
func (e *Error) WithDetail(detail string) *Error {
	c := *e
	c.Detail = detail
	return &c
}

// WithHint returns a copy with another hint.
func (e *Error) WithHint(hint string) *Error {
	c := *e
	c.Hint = hint
	return &c
}

// WithPosition returns a copy that points at a character of the statement,
// counted from 1.
func (e *Error) WithPosition(position int) *Error {
	c := *e
	c.Position = position
	return &c
}

// Wrap returns a copy that remembers what caused it, for logs and errors.Is.
func (e *Error) Wrap(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Fatal returns a copy with severity FATAL: the connection ends with it.
func (e *Error) Fatal() *Error {
	c := *e
	c.Severity = SeverityFatal
	return &c
}
