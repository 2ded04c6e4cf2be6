package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shardproxy/admin"
)

func TestParseDocument(t *testing.T) {
	none, password := []string{}, admin.Secret("007")
	life := admin.Duration(90 * time.Minute)
	want := &admin.Document{
		Databases: map[string]admin.DatabaseDocument{"app": {Reference: &none, Pool: &admin.PoolDocument{Lifetime: &life}}},
		Users:     &[]admin.UserDocument{{Name: "ann", Password: &password, Databases: &none}},
	}
	for _, text := range []string{
		"databases:\n  app:\n    reference: []\n    pool: {lifetime: 90m}\nusers:\n  - {name: ann, password: '007', databases: []}\n",
		`{"databases": {"app": {"reference": [], "pool": {"lifetime": "1h30m"}}}, "users": [{"name": "ann", "password": "007", "databases": []}]}`,
	} {
		got, err := parseDocument([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	for _, empty := range []string{"", "# nothing\n", "databases:\nusers:\n"} {
		if got, err := parseDocument([]byte(empty)); err != nil || len(got.Databases) > 0 || got.Users != nil {
			t.Errorf("%q: %+v, %v", empty, got, err)
		}
	}
	for text, problem := range map[string]string{
		"users:\n  - {name: ann, password: 007}":                    "users.password cannot be a number",
		"users:\n  - {name: ann, password: true}":                   "users.password cannot be a bool",
		"users:\n  - {name: 12}":                                    "users.name cannot be a number",
		"databases: {app: {pool: {lifetime: 5}}}":                   "missing unit",
		"databases: {app: {pool: {lifetime: 0}}}":                   "needs quotes",
		"databases: {app: {}, app: {}}":                             "already defined",
		"databases:\n  app:\n    nodes: []":                         `[3:5] unknown field "nodes"`,
		"users: []\n---\nusers: []":                                 "more than one",
		"users: {ann: geheim}":                                      "sequence",
		"users:\n  - {name: ann, password: geheim, paswrd: geheim}": "unknown field",
		"users:\n  - name: [geheim":                                 "not found",
	} {
		_, err := parseDocument([]byte(text))
		if err == nil || !strings.Contains(err.Error(), problem) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParseDocument(f *testing.F) {
	f.Add([]byte("databases: {app: {tables: {orders: {key: user}}, pool: {max: 3, lifetime: 1h}}}\nusers: [{name: ann, password: x}]"))
	f.Add([]byte("users:\n  - &a {name: ann}\n  - *a\n"))
	f.Add([]byte("? [a]\n: b"))
	f.Add([]byte("databases: {1: {}, ~: {}}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		document, err := parseDocument(content)
		if err == nil && document == nil {
			t.Error("neither a document nor an error")
		}
	})
}
