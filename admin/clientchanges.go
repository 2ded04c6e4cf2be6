package admin

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// JoinPeer adds a peer, or changes the addresses of one.
func (c *Client) JoinPeer(ctx context.Context, join PeerJoin) (*PeerJoined, error) {
	return ask[PeerJoined](ctx, c, posting("/v1/peers", join))
}

// RemovePeer removes a peer; with force also one whose vote is needed.
func (c *Client) RemovePeer(ctx context.Context, id string, force bool) (*Changed, error) {
	q := deleting("/v1/peers/" + segment(id))
	if force {
		q.values = url.Values{"force": {"true"}}
	}
	return ask[Changed](ctx, c, q)
}

// PromotePeer makes a voter of a nonvoter.
func (c *Client) PromotePeer(ctx context.Context, id string) (*Changed, error) {
	return ask[Changed](ctx, c, posting("/v1/peers/"+segment(id)+"/promote", struct{}{}))
}

// SetUser adds a user or changes one.
func (c *Client) SetUser(ctx context.Context, name string, settings UserSettings) (*Changed, error) {
	return ask[Changed](ctx, c, putting("/v1/users/"+segment(name), settings))
}

// RemoveUser removes a user.
func (c *Client) RemoveUser(ctx context.Context, name string) (*Changed, error) {
	return ask[Changed](ctx, c, deleting("/v1/users/"+segment(name)))
}

// SetFlag sets a setting of the cluster.
func (c *Client) SetFlag(ctx context.Context, name, value string) (*Changed, error) {
	return ask[Changed](ctx, c, putting("/v1/flags/"+segment(name), FlagValue{value}))
}

// UnsetFlag gives a setting its default.
func (c *Client) UnsetFlag(ctx context.Context, name string) (*Changed, error) {
	return ask[Changed](ctx, c, deleting("/v1/flags/"+segment(name)))
}

// SetNode changes a node.
func (c *Client) SetNode(ctx context.Context, name string, settings NodeSettings) (*Changed, error) {
	return ask[Changed](ctx, c, putting("/v1/nodes/"+segment(name), settings))
}

// AddNode adds a node, or says what that would do.
func (c *Client) AddNode(ctx context.Context, node NodeAddition) (*NodePlan, error) {
	return ask[NodePlan](ctx, c, posting("/v1/nodes", node))
}

// RemoveNode gives a node's partitions to the others and forgets it, or says
// what that would do.
func (c *Client) RemoveNode(ctx context.Context, database, name string, how NodeRemoval) (*NodePlan, error) {
	q := deleting("/v1/nodes/" + segment(name))
	q.values = url.Values{}
	if database != "" {
		q.values.Set("database", database)
	}
	if how.Force {
		q.values.Set("force", "true")
	}
	if how.DryRun {
		q.values.Set("dry_run", "true")
	}
	return ask[NodePlan](ctx, c, q)
}

// Pause makes all new transactions of a database wait, and returns when none is
// open.
func (c *Client) Pause(ctx context.Context, database string) (*Changed, error) {
	return ask[Changed](ctx, c, posting("/v1/databases/"+segment(database)+"/pause", struct{}{}))
}

// Unpause lets them go on.
func (c *Client) Unpause(ctx context.Context, database string) (*Changed, error) {
	return ask[Changed](ctx, c, posting("/v1/databases/"+segment(database)+"/unpause", struct{}{}))
}

// Apply makes what a document declares true, or says what differs.
func (c *Client) Apply(ctx context.Context, request ApplyRequest) (*Differences, error) {
	return ask[Differences](ctx, c, posting("/v1/apply", request))
}

// Restore replaces the topology by that of a backup, or says what differs.
func (c *Client) Restore(ctx context.Context, request RestoreRequest) (*Differences, error) {
	return ask[Differences](ctx, c, posting("/v1/restore", request))
}

func posting(path string, body any) call {
	return call{method: http.MethodPost, path: path, body: body, changes: true}
}

func putting(path string, body any) call {
	return call{method: http.MethodPut, path: path, body: body, changes: true}
}

func deleting(path string) call {
	return call{method: http.MethodDelete, path: path, changes: true}
}

// segment escapes a name as one segment of a path, dots included: a user may be
// called "..".
func segment(name string) string {
	return strings.ReplaceAll(url.PathEscape(name), ".", "%2E")
}
