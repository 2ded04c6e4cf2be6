package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestPeerRequestLimit: what another peer asks is bounded, and a peer that is not
// ready says that another one is to be asked.
func TestPeerRequestLimit(t *testing.T) {
	t.Parallel()
	calls := newPeerCalls(http.NotFoundHandler())
	long := `"` + strings.Repeat("x", maxPeerRequest) + `"`
	for path, field := range map[string]string{schemaPath: "database", cancelPath: "secret", strangersPath: "epoch"} {
		for body, want := range map[string]int{
			"{}":                       http.StatusOK,
			"{":                        http.StatusBadRequest,
			`{"` + field + `":[]}`:     http.StatusBadRequest,
			`{"other":` + long + `}`:   http.StatusBadRequest,
			`{"` + field + `":` + long: http.StatusBadRequest,
		} {
			w := httptest.NewRecorder()
			calls.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
			if w.Code != want {
				t.Errorf("POST %s %.20s: status %d, want %d", path, body, w.Code, want)
			}
			if want == http.StatusOK && path != cancelPath && !strings.Contains(w.Body.String(), `"not_leader":true`) {
				t.Errorf("POST %s: %s", path, w.Body)
			}
		}
	}
}
