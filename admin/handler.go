package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// handler routes the paths of the package comment.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", s.only(http.MethodGet, func(w http.ResponseWriter, _ *http.Request) error {
		return writeText(w, "ok\n")
	}))
	mux.HandleFunc("/readyz", s.only(http.MethodGet, s.readyz))
	if s.opts.Gatherer != nil {
		metrics := promhttp.HandlerFor(s.opts.Gatherer, promhttp.HandlerOpts{
			ErrorLog:            errorLog{s.opts.Logger},
			MaxRequestsInFlight: 4,
			Timeout:             s.opts.Timeout,
		})
		mux.HandleFunc("/metrics", s.protected(http.MethodGet, func(w http.ResponseWriter, r *http.Request) error {
			metrics.ServeHTTP(w, r)
			return nil
		}))
	}
	if s.opts.Topology != nil {
		mux.HandleFunc("/v1/status", s.protected(http.MethodGet, s.status))
		mux.HandleFunc("/v1/nodes", s.protected(http.MethodGet, s.nodes))
		mux.HandleFunc("/v1/tables", s.protected(http.MethodGet, s.tables))
		mux.HandleFunc("/v1/ring", s.protected(http.MethodGet, s.ring))
	}
	if s.opts.Explainer != nil && s.opts.Topology != nil {
		mux.HandleFunc("/v1/explain", s.protected(http.MethodPost, s.explain))
	}
	mux.HandleFunc("/", s.protected("", func(_ http.ResponseWriter, r *http.Request) error {
		return newProblem(CodeNotFound, "there is no "+r.URL.Path)
	}))
	return mux
}

// only answers one method ("" all), bounds time and body, and turns errors
// into problems.
func (s *Server) only(method string, handle func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.opts.Timeout)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, s.opts.MaxBody)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		err := allowMethod(w, r, method)
		if err == nil {
			err = handle(w, r)
		}
		if err == nil {
			return
		}
		problem := problemOf(err)
		if problem.Code == CodeInternal {
			s.opts.Logger.Error("admin request failed", "path", r.URL.Path, "error", err)
		}
		writeProblem(w, problem)
	}
}

func allowMethod(w http.ResponseWriter, r *http.Request, method string) error {
	if method == "" || r.Method == method || (method == http.MethodGet && r.Method == http.MethodHead) {
		return nil
	}
	w.Header().Set("Allow", method)
	return newProblem(CodeMethodNotAllowed, r.URL.Path+" takes "+method)
}

// protected is only, for those who may.
func (s *Server) protected(method string, handle func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return s.only(method, func(w http.ResponseWriter, r *http.Request) error {
		credentials := s.credentials.Load()
		if !credentials.allows(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="shardproxy"`)
			problem := newProblem(CodeUnauthorized, "a valid token is needed")
			problem.Hint = "Send the header Authorization: Bearer TOKEN."
			return problem
		}
		if credentials.token == nil && credentials.tls == nil && !isLoopback(hostOf(r)) {
			problem := newProblem(CodeForbiddenHost, "without a token only requests for a loopback host are answered")
			problem.Hint = "Ask for http://127.0.0.1, or set admin.token_file."
			return problem
		}
		return handle(w, r)
	})
}

// hostOf is the name the caller used for us.
func hostOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	return strings.Trim(host, "[]")
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

// readJSON decodes a body strictly: one value, no unknown keys.
func readJSON(r *http.Request, into any) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return newProblem(CodeMediaType, "want Content-Type: application/json")
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err = decoder.Decode(into)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one JSON value")
		}
	}
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooLarge):
		return err
	}
	return newProblem(CodeBadRequest, "the body is not what is expected: "+err.Error())
}

func writeJSON(w http.ResponseWriter, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	// The caller may be gone by now; there is nobody else to tell.
	_, _ = w.Write(append(body, '\n'))
	return nil
}

func writeText(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text)
	return nil
}
