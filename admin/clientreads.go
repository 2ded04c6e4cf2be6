package admin

import (
	"context"
	"net/http"
	"net/url"
)

// Status asks for versions, epoch and databases.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	return ask[Status](ctx, c, reading("/v1/status", nil))
}

// Nodes asks for the nodes of a database; "" if there is one database only.
func (c *Client) Nodes(ctx context.Context, database string) (*Nodes, error) {
	return ask[Nodes](ctx, c, reading("/v1/nodes", query(database)))
}

// Tables asks for the tables of a database; "" if there is one database only.
func (c *Client) Tables(ctx context.Context, database string) (*Tables, error) {
	return ask[Tables](ctx, c, reading("/v1/tables", query(database)))
}

// Ring asks for the partitions of a database; "" if there is one only.
func (c *Client) Ring(ctx context.Context, database string) (*Ring, error) {
	return ask[Ring](ctx, c, reading("/v1/ring", query(database)))
}

// Explain asks for the plans of statements.
func (c *Client) Explain(ctx context.Context, request ExplainRequest) (*Explanations, error) {
	return ask[Explanations](ctx, c, call{method: http.MethodPost, path: "/v1/explain", body: request})
}

// Peers asks who is a peer.
func (c *Client) Peers(ctx context.Context) (*Peers, error) {
	return ask[Peers](ctx, c, reading("/v1/peers", nil))
}

// Users asks who may log in.
func (c *Client) Users(ctx context.Context) (*Users, error) {
	return ask[Users](ctx, c, reading("/v1/users", nil))
}

// Flags asks for the settings of the cluster.
func (c *Client) Flags(ctx context.Context) (*Flags, error) {
	return ask[Flags](ctx, c, reading("/v1/flags", nil))
}

// Backup asks for the whole topology, with all secrets in it. The bytes are
// those to keep.
func (c *Client) Backup(ctx context.Context) ([]byte, error) {
	return c.raw(ctx, reading("/v1/backup", nil))
}

func reading(path string, values url.Values) call {
	return call{method: http.MethodGet, path: path, values: values}
}

func query(database string) url.Values {
	if database == "" {
		return nil
	}
	return url.Values{"database": {database}}
}
