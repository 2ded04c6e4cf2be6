package admin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"shardproxy/meta/topology"
)

// FuzzChanges: whatever comes as the body of a change, the answer is JSON with
// a known status, the topology stays valid, and no secret is told.
func FuzzChanges(f *testing.F) {
	var targets []step
	for _, s := range steps() {
		if s.method == http.MethodGet {
			continue
		}
		s.path, _, _ = strings.Cut(s.path, "?")
		body := s.body
		if s.body = ""; !slices.Contains(targets, s) {
			targets = append(targets, s)
		}
		f.Add(uint8(slices.Index(targets, s)), []byte(body))
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		s := targets[int(which)%len(targets)]
		g := newGroup(t)
		_, o := g.join("p1")
		server, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, handler := range []http.Handler{server.handler(frontDoor), server.PeerHandler()} {
			request, err := http.NewRequestWithContext(t.Context(), s.method, "http://127.0.0.1"+s.path, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			recorder := newRecorder()
			handler.ServeHTTP(recorder, request)
			known := slices.Contains([]int{200, 400, 404, 405, 409, 413, 422, 502}, recorder.status)
			// The fake's Resolve fails with an error of nobody's for a pattern.
			if !known && !(recorder.status == 500 && s.path == "/v1/apply") {
				t.Errorf("%s %s: %d: %s", s.method, s.path, recorder.status, recorder.body.String())
			}
			if !json.Valid(recorder.body.Bytes()) {
				t.Errorf("not JSON: %s", recorder.body.String())
			}
			if strings.Contains(recorder.body.String(), hunter) && !strings.Contains(string(body), hunter) {
				t.Errorf("a secret: %s", recorder.body.String())
			}
		}
		if err := g.current().Validate(); err != nil {
			t.Error(err)
		}
	})
}

// FuzzDSN: the check neither panics nor repeats what it was given.
func FuzzDSN(f *testing.F) {
	for _, seed := range []string{"postgres://app:hunter2@h/d", "postgres://a:%zz@h/d", "postgres://[::1/d", "hunter2", "mysql://u:p@h/d", "postgres:///d?host=hunter2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		err := checkDSN("dsn", topology.Postgres, Secret(dsn))
		if err != nil && len(dsn) > 12 && strings.Contains(err.Error(), dsn) {
			t.Errorf("the error shows the DSN: %v", err)
		}
	})
}
