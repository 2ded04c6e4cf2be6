package main

import (
	"math"
	"net/url"
	"strings"

	"shardproxy/admin"
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/ring"
	"shardproxy/router/plan"
	"shardproxy/router/sqlscan"
)

// explain plans the statements of a text by the topology and with the cache that
// sessions use. Nothing is executed.
func (e *engine) explain(request admin.ExplainRequest) ([]plan.Explanation, error) {
	db := e.store.Current().Databases[request.Database]
	if db == nil {
		return nil, sqlerr.UndefinedDatabase(request.Database)
	}
	if len(request.SQL) > math.MaxInt32 {
		return nil, sqlerr.LimitExceeded("the text is too long")
	}
	env := envOf(db, request.SearchPath)
	params := textParams(request.Params)
	text := []byte(request.SQL)
	var explanations []plan.Explanation
	var scan sqlscan.Scan
	for at := 0; at < len(text); at = int(scan.End) {
		scan.Statement(text, at, 0)
		if scan.Empty {
			continue
		}
		template := e.plans.of(db.Name).Template(db, env, &scan)
		explanations = append(explanations, template.Explain(db, env, &scan, params))
	}
	return explanations, nil
}

// envOf is the environment of a session that has set nothing but its search
// path.
func envOf(db *topology.Database, searchPath []string) *plan.Env {
	if len(searchPath) == 0 {
		// PostgreSQL's default: "$user", public.
		if dsn, err := url.Parse(db.Nodes[db.Home()].DSN); err == nil && dsn.User.Username() != "" {
			searchPath = append(searchPath, dsn.User.Username())
		}
		searchPath = append(searchPath, "public")
	}
	return &plan.Env{SearchPath: searchPath, SearchPathKey: strings.Join(searchPath, "\x00"), NodeHints: true}
}

// textParams are parameters of a statement in text form, as shard keys.
type textParams []admin.Param

var _ sqlscan.Keys = textParams(nil)

// AppendKey implements sqlscan.Keys.
func (p textParams) AppendKey(dst []byte, n int, t ring.KeyType) ([]byte, sqlscan.KeyState) {
	switch {
	case n < 1 || n > len(p):
		return dst, sqlscan.KeyMismatch
	case p[n-1].Null:
		return dst, sqlscan.KeyNull
	}
	key, ok := ring.AppendText(dst, t, []byte(p[n-1].Text))
	if !ok {
		return dst, sqlscan.KeyMismatch
	}
	return key, sqlscan.KeyOK
}

// EachKey implements sqlscan.Keys.
func (p textParams) EachKey(n int, t ring.KeyType, yield func([]byte, sqlscan.KeyState) bool) sqlscan.KeyState {
	switch {
	case n < 1 || n > len(p):
		return sqlscan.KeyMismatch
	case p[n-1].Null:
		return sqlscan.KeyNull
	}
	return sqlscan.EachArrayText([]byte(p[n-1].Text), t, yield)
}
