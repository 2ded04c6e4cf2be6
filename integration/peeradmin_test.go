package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/admin"
)

// api is a client of the peer's admin API, and of no other peer's.
func (p *proxy) api() *admin.Client {
	p.t.Helper()
	c, err := admin.NewClient(admin.ClientOptions{Addr: p.admin})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// problem is what the admin API answered, nil if it is none of its errors.
func problem(err error) *admin.Problem {
	p, _ := errors.AsType[*admin.Problem](err)
	return p
}

// codeOf is that of an error of the admin API.
func codeOf(err error) admin.Code {
	if p := problem(err); p != nil {
		return p.Code
	}
	return ""
}

// nodeOf is where a peer sends a statement, or why it does not.
func (p *proxy) nodeOf(ctx context.Context, sql string) (string, error) {
	explained, err := p.api().Explain(ctx, admin.ExplainRequest{SQL: sql})
	if err != nil {
		return "", err
	}
	first := explained.Statements[0]
	if first.Error != "" {
		return "", errors.New(first.Error)
	}
	return first.Class + " " + strings.Join(first.Nodes, ","), nil
}

// agree checks that all peers send the same keys of a table to the same nodes.
func (all peers) agree(t testing.TB, table, column string, keys int) {
	t.Helper()
	var statements []string
	for key := range keys {
		statements = append(statements, fmt.Sprintf("SELECT * FROM %s WHERE %s = %d", table, column, key))
	}
	request := admin.ExplainRequest{SQL: strings.Join(statements, ";")}
	var first []string
	for _, p := range all {
		explained, err := p.api().Explain(t.Context(), request)
		if err != nil {
			t.Fatalf("%s: %v", p.id, err)
		}
		var nodes []string
		for _, s := range explained.Statements {
			if len(s.Nodes) != 1 || s.Error != "" {
				t.Fatalf("%s: %s: %+v", p.id, table, s)
			}
			nodes = append(nodes, s.Nodes[0])
		}
		if first == nil {
			first = nodes
		}
		if !slices.Equal(nodes, first) {
			t.Errorf("%s sends keys of %s elsewhere than %s does", p.id, table, all[0].id)
		}
	}
}

// others are all peers but some.
func (all peers) others(some ...*proxy) peers {
	return slices.DeleteFunc(slices.Clone(all), func(p *proxy) bool { return slices.Contains(some, p) })
}

// epochs waits until all peers have published an epoch.
func (all peers) epochs(t testing.TB, epoch uint64) {
	t.Helper()
	within(t, 10*time.Second, fmt.Sprintf("all peers have epoch %d", epoch), func() bool {
		return !slices.ContainsFunc(all, func(p *proxy) bool {
			s, ok := p.status()
			return !ok || s.Epoch < epoch
		})
	})
}

// asPgError is what the proxy or a node answered.
func asPgError(err error) (*pgconn.PgError, bool) { return errors.AsType[*pgconn.PgError](err) }
