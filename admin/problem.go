package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"shardproxy/protocol/sqlerr"
)

// Code names a kind of problem. Codes never change their meaning.
type Code string

// The codes.
const (
	CodeBadRequest       Code = "bad_request"        // not the JSON or the parameters expected
	CodeUnauthorized     Code = "unauthorized"       // no token, or a wrong one
	CodeForbiddenHost    Code = "forbidden_host"     // asked for under a name that is not loopback
	CodeNotFound         Code = "not_found"          // no such path
	CodeUnknownDatabase  Code = "unknown_database"   // no such database, or none named among several
	CodeMethodNotAllowed Code = "method_not_allowed" // the path has another method
	CodeTooLarge         Code = "too_large"          // the body is larger than allowed
	CodeMediaType        Code = "unsupported_media_type"
	CodeSQL              Code = "sql_error" // the statement is to blame; see SQLState
	CodeNotReady         Code = "not_ready" // clients cannot be served now
	CodeTimeout          Code = "timeout"   // it took longer than allowed
	CodeInternal         Code = "internal"  // the log says more
)

func (c Code) status() int {
	switch c {
	case CodeBadRequest:
		return http.StatusBadRequest
	case CodeUnauthorized:
		return http.StatusUnauthorized
	case CodeForbiddenHost:
		return http.StatusForbidden
	case CodeNotFound, CodeUnknownDatabase:
		return http.StatusNotFound
	case CodeMethodNotAllowed:
		return http.StatusMethodNotAllowed
	case CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case CodeMediaType:
		return http.StatusUnsupportedMediaType
	case CodeSQL:
		return http.StatusUnprocessableEntity
	case CodeNotReady:
		return http.StatusServiceUnavailable
	case CodeTimeout:
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

// Problem is an error of the API (RFC 9457, application/problem+json).
type Problem struct { //nolint:errname // the name of RFC 9457
	// Type is urn:shardproxy:problem: and the code.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Code   Code   `json:"code"`
	// Hint says what to do.
	Hint string `json:"hint,omitempty"`
	// SQLState is set for CodeSQL.
	SQLState string `json:"sqlstate,omitempty"`
}

var _ error = (*Problem)(nil)

func newProblem(code Code, detail string) *Problem {
	status := code.status()
	return &Problem{
		Type:   "urn:shardproxy:problem:" + string(code),
		Title:  http.StatusText(status),
		Status: status,
		Detail: detail,
		Code:   code,
	}
}

// Error is the detail, with the hint.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	if p.Hint != "" {
		text += " (hint: " + p.Hint + ")"
	}
	return text
}

// problemOf turns an error into what a caller may see. Errors that nobody
// prepared for callers become CodeInternal without their text.
func problemOf(err error) *Problem {
	var problem *Problem
	var sql *sqlerr.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &sql):
		problem = newProblem(CodeSQL, sql.Message)
		if sql.Detail != "" {
			problem.Detail += ": " + sql.Detail
		}
		problem.Hint, problem.SQLState = sql.Hint, sql.SQLState
		return problem
	case errors.As(err, &tooLarge):
		return newProblem(CodeTooLarge, "the request's body is too large")
	case errors.Is(err, context.DeadlineExceeded):
		return newProblem(CodeTimeout, "the request took too long")
	}
	return newProblem(CodeInternal, "")
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	// The caller may be gone by now; there is nobody else to tell.
	_ = json.NewEncoder(w).Encode(p)
}
