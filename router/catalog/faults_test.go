package catalog

import (
	"errors"
	"strings"
	"testing"

	"shardproxy/meta/topology"
)

func TestFaults(t *testing.T) {
	good := Server{Version: 150004, Encoding: "UTF8", Identity: Identity{System: 1, Started: "a", Database: 5}}
	with := func(change func(*Server)) *Server {
		s := good
		change(&s)
		return &s
	}
	nodes := []topology.Node{{ID: "a"}, {ID: "b"}}
	tests := []struct {
		name   string
		second *Server
		want   string
	}{
		{"two databases", with(func(s *Server) { s.Identity.Database = 6 }), ""},
		{"a copy of the server", with(func(s *Server) { s.Identity.Started = "b" }), ""},
		{"not reached", nil, ""},
		{"the same", with(func(*Server) {}), `nodes "a" and "b" are the same database`},
		{"the same, seen by a role with fewer rights", with(func(s *Server) { s.Identity.System = 0 }), `nodes "a" and "b" are the same database`},
		{"old", with(func(s *Server) { s.Identity.Database, s.Version = 6, 120012 }), `node "b": it runs PostgreSQL 12; version 13 is the oldest supported`},
		{"standby", with(func(s *Server) { s.Identity.Database, s.InRecovery = 6, true }), `node "b": it is in recovery`},
		{"pooler", with(func(s *Server) { s.Identity.Database, s.Pooled = 6, true }), `node "b": a connection pooler`},
		{"encoding", with(func(s *Server) { s.Identity.Database, s.Encoding = 6, "LATIN1" }), `node "b": its database has the encoding LATIN1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := errors.Join(faults(nodes, []*Server{&good, tt.second})...)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v", err)
			case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("got %v, want %q alone", err, tt.want)
			}
		})
	}
}

func TestHints(t *testing.T) {
	for _, code := range []string{"28P01", "28000", "3D000", "53300", "57P03", "42501", "55P03"} {
		if hintForCode(code) == "" {
			t.Errorf("no hint for %s", code)
		}
	}
	if hintForCode("22012") != "" || hintFor(errors.New("x")) != "" {
		t.Error("advice where there is none")
	}
}
