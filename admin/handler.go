package admin

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// handler routes the paths of the package comment.
func (s *Server) handler(d door) http.Handler {
	mux := http.NewServeMux()
	for _, p := range s.paths() {
		mux.HandleFunc(p.pattern, func(w http.ResponseWriter, r *http.Request) {
			s.finish(w, r, s.serve(w, r, d, &p))
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.finish(w, r, s.nothing(w, r, d))
	})
	return mux
}

// serve answers a request for a path.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, d door, p *path) error {
	harden(w)
	m, err := p.method(w, r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout(d, m))
	defer cancel()
	r = r.WithContext(ctx)
	limit := s.opts.MaxBody
	if m.body > 0 {
		limit = m.body
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if d == frontDoor && !m.open {
		if err := s.admit(w, r); err != nil {
			return err
		}
	}
	if m.change != nil {
		return s.serveChange(w, r, d, m)
	}
	if m.viaLeader && d == frontDoor && s.leaderAnswers(w, r) {
		return nil
	}
	err = m.read(w, r)
	if m.audited {
		s.audit(&change{request: r, caller: s.callerOf(r, d), what: r.URL.EscapedPath()}, err)
	}
	return err
}

// timeout bounds the work on a request. A forwarded change has a little less
// than the peer that forwarded it waits for the answer.
func (s *Server) timeout(d door, m *method) time.Duration {
	switch {
	case m.change == nil:
		return s.opts.Timeout
	case d == peersDoor:
		return s.opts.ChangeTimeout - s.opts.ChangeTimeout/10
	}
	return s.opts.ChangeTimeout
}

// nothing answers all other paths.
func (s *Server) nothing(w http.ResponseWriter, r *http.Request, d door) error {
	harden(w)
	if d == frontDoor {
		if err := s.admit(w, r); err != nil {
			return err
		}
	}
	return newProblem(CodeNotFound, "there is no "+r.URL.Path)
}

func harden(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
}

// finish tells the caller of an error.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, err error) {
	if err == nil {
		return
	}
	problem := *problemOf(err)
	if problem.Code == CodeInternal {
		s.opts.Logger.Error("admin request failed", "path", r.URL.Path, "error", err)
	}
	if s.opts.Cluster != nil {
		problem.Peer = string(s.opts.Cluster.Standing().Peer)
	}
	writeProblem(w, &problem)
}

// admit lets in who may.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) error {
	credentials := s.credentials.Load()
	if !credentials.allows(r) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="shardproxy"`)
		return NewProblem(CodeUnauthorized, "a valid token is needed", "Send the header Authorization: Bearer TOKEN.")
	}
	if credentials.token == nil && credentials.tls == nil && !isLoopback(hostOf(r)) {
		return NewProblem(CodeForbiddenHost, "without a token only requests for a loopback host are answered",
			"Ask for http://127.0.0.1, or set admin.token_file.")
	}
	if s.origins.Check(r) != nil {
		return newProblem(CodeForbiddenOrigin, "a web page of another site cannot ask this")
	}
	return nil
}

// hostOf is the name the caller used for us.
func hostOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	return strings.Trim(host, "[]")
}

func (s *Server) metrics() func(http.ResponseWriter, *http.Request) error {
	metrics := promhttp.HandlerFor(s.opts.Gatherer, promhttp.HandlerOpts{
		ErrorLog:            errorLog{s.opts.Logger},
		MaxRequestsInFlight: 4,
		Timeout:             s.opts.Timeout,
	})
	return func(w http.ResponseWriter, r *http.Request) error {
		metrics.ServeHTTP(w, r)
		return nil
	}
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	if err := s.opts.Readiness.Ready(r.Context()); err != nil {
		return newProblem(CodeNotReady, err.Error())
	}
	return writeText(w, "ready\n")
}

func (s *Server) explain(w http.ResponseWriter, r *http.Request) error {
	var request ExplainRequest
	if err := readJSON(r, &request); err != nil {
		return err
	}
	if strings.TrimSpace(request.SQL) == "" {
		return newProblem(CodeBadRequest, "sql is empty")
	}
	_, db, err := s.database(request.Database)
	if err != nil {
		return err
	}
	request.Database = db.Name
	plans, err := s.opts.Explainer.Explain(r.Context(), request)
	if err != nil {
		return err
	}
	return writeJSON(w, explanations(db.Name, plans))
}
