package admin

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParams(t *testing.T) {
	var got []Param
	if err := json.Unmarshal([]byte(`["x", 9007199254740993, 1.50, true, false, null, ""]`), &got); err != nil {
		t.Fatal(err)
	}
	want := []Param{{Text: "x"}, {Text: "9007199254740993"}, {Text: "1.50"}, {Text: "true"}, {Text: "false"}, {Null: true}, {Text: ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, bad := range []string{`[{}]`, `[[1]]`} {
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestClientOptions(t *testing.T) {
	for _, bad := range []ClientOptions{
		{Addr: "127.0.0.1:7080"},
		{Addr: "ftp://x"},
		{Addr: "http://"},
		{Addr: ":"},
		{Addr: "http://10.0.0.1:7080", Token: "0123456789abcdef"},
		{Addr: "http://proxy.example", Token: "0123456789abcdef"},
	} {
		if _, err := NewClient(bad); err == nil {
			t.Errorf("%+v was accepted", bad.Addr)
		}
	}
}

func TestClientOfSomethingElse(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]http.HandlerFunc{
		"not JSON": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
		"an error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/else", http.StatusFound) },
	}
	mux := http.NewServeMux()
	for name, answer := range answers {
		mux.HandleFunc("/"+strings.ReplaceAll(name, " ", "-")+"/v1/status", answer)
	}
	server := &http.Server{Handler: mux}
	served := make(chan struct{})
	go func() { server.Serve(listener); close(served) }()
	t.Cleanup(func() { server.Close(); <-served })
	for name := range answers {
		c := client(t, ClientOptions{Addr: "http://" + listener.Addr().String() + "/" + strings.ReplaceAll(name, " ", "-")})
		var problem *Problem
		if _, err := c.Status(t.Context()); err == nil || errors.As(err, &problem) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
