package admin

import (
	"encoding/json"
	"net/http"
)

// Code names a kind of problem. Codes never change their meaning.
type Code string

// The codes.
const (
	CodeBadRequest       Code = "bad_request"        // not the JSON or the parameters expected
	CodeUnauthorized     Code = "unauthorized"       // no token, or a wrong one
	CodeForbiddenHost    Code = "forbidden_host"     // asked for under a name that is not loopback
	CodeForbiddenOrigin  Code = "forbidden_origin"   // a web page of another site asked
	CodeNotFound         Code = "not_found"          // no such path
	CodeUnknownDatabase  Code = "unknown_database"   // no such database, or none named among several
	CodeMethodNotAllowed Code = "method_not_allowed" // the path has another method
	CodeTooLarge         Code = "too_large"          // the body is larger than allowed
	CodeMediaType        Code = "unsupported_media_type"
	CodeSQL              Code = "sql_error" // the statement is to blame; see SQLState
	CodeNotReady         Code = "not_ready" // clients cannot be served now
	CodeTimeout          Code = "timeout"   // it took longer than allowed
	CodeInternal         Code = "internal"  // the log says more

	CodeUnknownName    Code = "unknown_name"    // no such user, node, peer or flag
	CodeInvalid        Code = "invalid"         // well formed, and not possible all the same
	CodeRefused        Code = "refused"         // the state does not allow it; nothing was changed
	CodeConflict       Code = "conflict"        // something else has changed, or is being changed; nothing was changed
	CodeNoLeader       Code = "no_leader"       // there is nobody to decide; nothing was changed
	CodeNodeFailed     Code = "node_failed"     // a node could not do its part; see Node; nothing was changed
	CodeUnsettled      Code = "unsettled"       // the change was made, see Epoch; not every peer is known to have it
	CodeOutcomeUnknown Code = "outcome_unknown" // the change was made, or will be, or not
)

func (c Code) status() int {
	switch c {
	case CodeBadRequest:
		return http.StatusBadRequest
	case CodeUnauthorized:
		return http.StatusUnauthorized
	case CodeForbiddenHost, CodeForbiddenOrigin:
		return http.StatusForbidden
	case CodeNotFound, CodeUnknownDatabase, CodeUnknownName:
		return http.StatusNotFound
	case CodeMethodNotAllowed:
		return http.StatusMethodNotAllowed
	case CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case CodeMediaType:
		return http.StatusUnsupportedMediaType
	case CodeRefused, CodeConflict:
		return http.StatusConflict
	case CodeSQL, CodeInvalid:
		return http.StatusUnprocessableEntity
	case CodeNotReady, CodeNoLeader:
		return http.StatusServiceUnavailable
	case CodeNodeFailed:
		return http.StatusBadGateway
	case CodeTimeout, CodeUnsettled, CodeOutcomeUnknown:
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

// Problem is an error of the API (RFC 9457, application/problem+json). None of
// its texts holds a secret.
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
	// Peer is the one that answered, where it has a name.
	Peer string `json:"peer,omitempty"`
	// Node is the one that failed, for CodeNodeFailed.
	Node string `json:"node,omitempty"`
	// Decided and Current are set for CodeConflict: the epoch that the change
	// was decided on, 0 where none was named, and the one it met.
	Decided uint64 `json:"decided,omitempty"`
	Current uint64 `json:"current,omitempty"`
	// Epoch is that of the topology with the change in it, for CodeUnsettled.
	Epoch uint64 `json:"epoch,omitempty"`
}

var _ error = (*Problem)(nil)

// NewProblem makes an error that callers may see. The detail says what failed,
// the hint what to do.
func NewProblem(code Code, detail, hint string) *Problem {
	status := code.status()
	return &Problem{
		Type:   "urn:shardproxy:problem:" + string(code),
		Title:  http.StatusText(status),
		Status: status,
		Detail: detail,
		Code:   code,
		Hint:   hint,
	}
}

func newProblem(code Code, detail string) *Problem { return NewProblem(code, detail, "") }

// NodeFailed is the problem of a node that could not do its part of a change
// that was not made.
func NodeFailed(node, detail, hint string) *Problem {
	p := NewProblem(CodeNodeFailed, "node "+node+": "+detail, hint)
	p.Node = node
	return p
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

func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	// The caller may be gone by now; there is nobody else to tell.
	_ = json.NewEncoder(w).Encode(p)
}
