package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"shardproxy/router/plan"
)

func FuzzExplainBody(f *testing.F) {
	for _, seed := range []string{`{"sql":"SELECT 1","params":["a",1,null],"database":"app"}`, `{"sql":1}`, `[]`, `{"params":[{}]}`, `{"sql":"x"}{"sql":"y"}`} {
		f.Add([]byte(seed))
	}
	proxy := newFake()
	proxy.explain = func(context.Context, ExplainRequest) ([]plan.Explanation, error) { return nil, nil }
	s, err := New(options(proxy))
	if err != nil {
		f.Fatal(err)
	}
	handler := s.handler(frontDoor)
	f.Fuzz(func(t *testing.T, body []byte) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/v1/explain", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		recorder := newRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.status != 200 && recorder.status != 400 && recorder.status != 404 {
			t.Errorf("%d: %s", recorder.status, recorder.body.String())
		}
		if !json.Valid(recorder.body.Bytes()) {
			t.Errorf("not JSON: %s", recorder.body.String())
		}
	})
}

// recorder is a minimal http.ResponseWriter.
type recorder struct {
	header http.Header
	body   bytes.Buffer
	status int
}

func newRecorder() *recorder { return &recorder{header: http.Header{}, status: 200} }

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

func (r *recorder) WriteHeader(status int) { r.status = status }
