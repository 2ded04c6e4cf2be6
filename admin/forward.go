package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"shardproxy/meta/topology"
)

// leaderPatience is how long a view waits for the leader's better answer, and
// an answered change for this peer to have it.
const leaderPatience = 2 * time.Second

// PeerHandler answers what other peers forward to this one while it leads. It
// asks for no token: whoever mounts it has authenticated the peers. It never
// forwards, so a request cannot go round in circles.
func (s *Server) PeerHandler() http.Handler { return s.handler(peersDoor) }

// forward has the leader make a change, and passes on its answer.
func (s *Server) forward(w http.ResponseWriter, c *change) error {
	ctx := c.request.Context()
	answer, err := s.askLeader(ctx, c)
	if err == nil {
		s.catchUp(ctx, c, answer)
	}
	s.auditForwarded(c, answer, err)
	if err != nil {
		return err
	}
	answer.write(w)
	return nil
}

// leaderAnswers answers a view with what the leader says, and reports whether
// it has.
func (s *Server) leaderAnswers(w http.ResponseWriter, r *http.Request) bool {
	if s.opts.Forwarder == nil || s.opts.Forwarder.IsLeader() {
		return false
	}
	ctx, cancel := context.WithTimeout(r.Context(), leaderPatience)
	defer cancel()
	answer, err := s.askLeader(ctx, &change{request: r, caller: s.callerOf(r, frontDoor)})
	if err != nil || answer.status != http.StatusOK {
		return false
	}
	answer.write(w)
	return true
}

// answered is an answer that was read to its end.
type answered struct {
	status      int
	contentType string
	body        []byte
}

func (a *answered) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.contentType)
	w.WriteHeader(a.status)
	// The caller may be gone by now; there is nobody else to tell.
	_, _ = w.Write(a.body)
}

// askLeader sends a request on. An error that wraps neither ErrNoLeader nor
// ErrOutcomeUnknown means that nothing was sent either.
func (s *Server) askLeader(ctx context.Context, c *change) (*answered, error) {
	body, err := io.ReadAll(c.request.Body)
	if err != nil {
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, tooLarge
		}
		return nil, newProblem(CodeBadRequest, "the request's body ended early")
	}
	out, err := http.NewRequestWithContext(ctx, c.request.Method, c.request.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("admin: forward: %w", err)
	}
	if kind := c.request.Header.Get("Content-Type"); kind != "" {
		out.Header.Set("Content-Type", kind)
	}
	out.Header.Set(callerHeader, c.caller.encode())
	response, err := s.opts.Forwarder.Forward(ctx, out)
	switch {
	case errors.Is(err, ErrNoLeader):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("admin: forward: %w: %w", ErrOutcomeUnknown, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(content) > maxAnswer {
		err = errors.New("the leader's answer is too large")
	}
	if err != nil {
		return nil, fmt.Errorf("admin: forward: %w: %w", ErrOutcomeUnknown, err)
	}
	return &answered{response.StatusCode, response.Header.Get("Content-Type"), content}, nil
}

// catchUp waits a little until this peer has what the leader answered, so that
// who asks here next sees it.
func (s *Server) catchUp(ctx context.Context, c *change, a *answered) {
	var changed Changed
	if a.status != http.StatusOK || json.Unmarshal(a.body, &changed) != nil {
		return
	}
	c.epoch = topology.Epoch(changed.Epoch)
	if s.opts.Cluster == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	// The change is made, whether this peer has it already or not.
	_ = s.opts.Cluster.Wait(ctx, c.epoch)
}

// auditForwarded logs what this peer knows of a change that the leader made.
func (s *Server) auditForwarded(c *change, a *answered, err error) {
	if err == nil && a.status != http.StatusOK {
		problem := new(Problem)
		if json.Unmarshal(a.body, problem) != nil || problem.Code == "" {
			problem = newProblem(CodeInternal, fmt.Sprintf("the leader answered with status %d", a.status))
		}
		err = problem
	}
	s.auditResult("admin request forwarded", c, err)
}
