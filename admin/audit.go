package admin

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
)

// callerHeader says at the leader on whose behalf a peer asks. It is believed
// at the peers' door only.
const callerHeader = "Shardproxy-Caller"

// caller is who asks for a change.
type caller struct {
	// name is "certificate NAME", "token" or "local" (nothing was shown).
	name string
	// remote is the address the request came from.
	remote string
	// via is the address of the peer that forwarded it.
	via string
}

func (s *Server) callerOf(r *http.Request, d door) caller {
	if d == peersDoor {
		values, err := url.ParseQuery(r.Header.Get(callerHeader))
		if err != nil {
			return caller{name: "unknown", via: r.RemoteAddr}
		}
		return caller{name: values.Get("name"), remote: values.Get("remote"), via: r.RemoteAddr}
	}
	c := caller{name: "local", remote: r.RemoteAddr}
	switch {
	case r.TLS != nil && len(r.TLS.VerifiedChains) > 0:
		c.name = "certificate " + r.TLS.PeerCertificates[0].Subject.CommonName
	case s.credentials.Load().token != nil:
		c.name = "token"
	}
	return c
}

// encode is the value of callerHeader.
func (c caller) encode() string {
	return url.Values{"name": {c.name}, "remote": {c.remote}}.Encode()
}

// audit logs who did what, and what came of it.
func (s *Server) audit(c *change, err error) {
	if c.dryRun {
		return
	}
	message := "admin change"
	if c.request.Method == http.MethodGet || c.request.Method == http.MethodHead {
		message = "admin secrets read"
	}
	s.auditResult(message, c, err)
}

func (s *Server) auditResult(message string, c *change, err error) {
	attributes := []slog.Attr{
		slog.String("what", c.what),
		slog.String("caller", c.caller.name),
		slog.String("remote", c.caller.remote),
	}
	if c.caller.via != "" {
		attributes = append(attributes, slog.String("via", c.caller.via))
	}
	level, result := slog.LevelInfo, "ok"
	if err != nil {
		problem := problemOf(err)
		level, result = slog.LevelWarn, string(problem.Code)
		attributes = append(attributes, slog.String("problem", problem.Detail))
	}
	attributes = append(attributes, slog.String("result", result))
	if c.epoch != 0 {
		attributes = append(attributes, slog.Uint64("epoch", uint64(c.epoch)))
	}
	// The request's context may have ended; the log is written all the same.
	s.opts.Logger.LogAttrs(context.WithoutCancel(c.request.Context()), level, message, attributes...)
}
