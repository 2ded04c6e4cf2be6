package admin

import (
	"errors"
	"net/http"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
)

// What the sources of changes say besides a *Problem, an *sqlerr.Error and the
// errors of package topology.
var (
	// ErrNoLeader: nobody can decide on changes now. Nothing was changed.
	ErrNoLeader = errors.New("there is no leader")
	// ErrOutcomeUnknown: the change was made, or will be, or not. A client
	// returns it too when the answer to a change was lost.
	ErrOutcomeUnknown = errors.New("it is not known whether the change was made")
	// ErrUnsettled: the change was made, but not every peer is known to have
	// taken it over.
	ErrUnsettled = errors.New("the change was made, but not every peer is known to have taken it over")
)

// The hints for those.
const (
	hintNoLeader = "Nothing was changed. Most of the voting peers must be up and reach each other; " +
		"see \"shardctl peers list\", and run it again."
	hintUnsettled = "See \"shardctl peers list\" for the peers that are behind. Remove those that do not come back."
	hintUnknown   = "Look whether the change is there before it is made again."
)

// problemOf turns an error into what a caller may see. Errors that nobody
// prepared for callers become CodeInternal without their text.
func problemOf(err error) *Problem {
	if problem, ok := errors.AsType[*Problem](err); ok {
		return problem
	}
	if sql, ok := errors.AsType[*sqlerr.Error](err); ok {
		return problemOfSQL(sql)
	}
	if conflict, ok := errors.AsType[*topology.Conflict](err); ok {
		return problemOfConflict(conflict)
	}
	if problem := problemOfTopology(err); problem != nil {
		return problem
	}
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case errors.Is(err, ErrNoLeader):
		return NewProblem(CodeNoLeader, "there is no leader to decide on changes", hintNoLeader)
	case errors.Is(err, ErrUnsettled):
		return NewProblem(CodeUnsettled, ErrUnsettled.Error(), hintUnsettled)
	case errors.Is(err, ErrOutcomeUnknown):
		return NewProblem(CodeOutcomeUnknown, ErrOutcomeUnknown.Error(), hintUnknown)
	case tooLarge:
		return newProblem(CodeTooLarge, "the request's body is too large")
	case interrupted(err):
		return newProblem(CodeTimeout, "the request took too long, or was given up")
	}
	return newProblem(CodeInternal, "")
}

func problemOfSQL(sql *sqlerr.Error) *Problem {
	problem := newProblem(CodeSQL, sql.Message)
	if sql.Detail != "" {
		problem.Detail += ": " + sql.Detail
	}
	problem.Hint, problem.SQLState = sql.Hint, sql.SQLState
	return problem
}

func problemOfConflict(conflict *topology.Conflict) *Problem {
	problem := NewProblem(CodeConflict, conflict.Error(), "Nothing was changed. Look at what has changed, and decide anew.")
	if conflict.Decided == 0 || conflict.Decided == conflict.Current {
		problem.Hint = "Nothing was changed. Another change is under way; \"shardctl status\" shows it. Run this again when it has ended."
	}
	problem.Decided, problem.Current = uint64(conflict.Decided), uint64(conflict.Current)
	return problem
}

// problemOfTopology is for commands that were refused; nil for other errors.
func problemOfTopology(err error) *Problem {
	switch {
	case errors.Is(err, topology.ErrNotFound):
		return newProblem(CodeUnknownName, err.Error())
	case errors.Is(err, topology.ErrExists), errors.Is(err, topology.ErrInUse), errors.Is(err, topology.ErrTransition):
		return newProblem(CodeRefused, err.Error())
	case errors.Is(err, topology.ErrInvalid):
		return newProblem(CodeInvalid, err.Error())
	case errors.Is(err, topology.ErrUnknownCommand):
		return NewProblem(CodeRefused, err.Error(), "Upgrade all peers first.")
	}
	return nil
}
