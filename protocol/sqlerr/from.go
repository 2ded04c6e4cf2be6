package sqlerr

import (
	"context"
	"errors"
)

// ClientError is an error of another package that knows what a client sees of
// it.
type ClientError interface {
	error
	// ClientError is never nil.
	ClientError() *Error
}

// From is what a client sees of err, the only place where that is decided: the
// *Error or ClientError inside it, a canceled statement for an ended context,
// and Internal for everything else, so that no internal text leaks. err is its
// cause. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		return e
	}
	if c, ok := errors.AsType[ClientError](err); ok {
		return c.ClientError().Wrap(err)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return StatementTimeout().Wrap(err)
	case errors.Is(err, context.Canceled):
		return QueryCanceled().Wrap(err)
	}
	return Internal(err)
}
