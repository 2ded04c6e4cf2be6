package rebalance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta/topology"
	"shardproxy/rebalance/postgres"
	"shardproxy/router/catalog"
)

// joinLock is the advisory lock on a server that whoever adds it holds, until
// its connection ends: a server must not be adopted under two names at once.
const joinLock int64 = 0x7368_6172_6470_6a6e

// checkServer looks at the new server by itself and beside all servers in use.
func (j *joiner) checkServer(ctx context.Context, conn *pgx.Conn) error {
	server, err := catalog.ReadServer(ctx, conn)
	if err != nil {
		return nodeFailed(j.node.ID, "ask what it is", err)
	}
	j.server = server
	for _, fault := range server.Faults() {
		j.problem("%s", fault)
	}
	if j.node.AdminDSN != "" && j.node.AdminDSN != j.node.DSN {
		if err := j.checkApplication(ctx, server); err != nil {
			return err
		}
	}
	if err := j.checkInUse(ctx, server); err != nil {
		return err
	}
	if server.InRecovery {
		return nil
	}
	var alone bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1::bigint)`, joinLock).Scan(&alone); err != nil {
		return nodeFailed(j.node.ID, "lock out others who add it", err)
	}
	if !alone {
		j.problem("it is being added at this moment by another request")
	}
	missing, _, err := postgres.MissingRoles(ctx, conn, &postgres.Roles{Grantees: j.roles()})
	if err != nil {
		return nodeFailed(j.node.ID, "look for roles", err)
	}
	if len(missing) > 0 {
		j.problem("users of the proxy log in to nodes as %s, which do not exist there; CREATE ROLE ... LOGIN each", strings.Join(missing, ", "))
	}
	return j.checkRegistry(ctx, conn)
}

// problem adds a clause about the new node.
func (j *joiner) problem(format string, args ...any) {
	j.plan.problem(fmt.Sprintf("node %q: ", j.node.ID) + fmt.Sprintf(format, args...))
}

// checkApplication logs in as clients' statements will.
func (j *joiner) checkApplication(ctx context.Context, admin *catalog.Server) error {
	only := j.node
	only.AdminDSN = ""
	fleet, unreachable, err := j.operator.connect(ctx, []topology.Node{only})
	if err != nil {
		return err
	}
	defer fleet.close()
	if len(unreachable) > 0 {
		j.plan.problem("with its dsn: " + unreachable[0].Error())
		return nil
	}
	server, err := catalog.ReadServer(ctx, fleet.conns[0])
	if err != nil {
		return nodeFailed(j.node.ID, "ask what it is, by its dsn", err)
	}
	if !server.Identity.Same(admin.Identity) {
		j.problem("its dsn and its admin_dsn lead to two databases; both must name the same one")
	}
	if server.Pooled && !admin.Pooled {
		j.problem("a connection pooler answers in its place at its dsn; name the server itself")
	}
	return nil
}

// checkInUse holds the server against the nodes of all databases. Nodes of
// others that do not answer are passed over: the registry tells then.
func (j *joiner) checkInUse(ctx context.Context, server *catalog.Server) error {
	for _, name := range slices.Sorted(maps.Keys(j.t.Databases)) {
		db := j.t.Databases[name]
		if db.Engine != topology.Postgres {
			continue
		}
		fleet := j.fleet
		if db != j.db {
			other, _, err := j.operator.connect(ctx, db.Nodes)
			if err != nil {
				return err
			}
			defer other.close()
			fleet = other
		}
		for i := range db.Nodes {
			conn := fleet.conns[i]
			if conn == nil {
				continue
			}
			used, err := catalog.ReadServer(ctx, conn)
			if err != nil {
				return nodeFailed(db.Nodes[i].ID, "ask what it is", err)
			}
			if used.Identity.Same(server.Identity) {
				j.problem("it is the same database of the same server as node %q of database %q; give each node a database of its own", db.Nodes[i].ID, name)
			}
		}
	}
	return nil
}

// checkRegistry asks the server which node it was told to be. A name that no
// node has any more was left by an attempt to add it that failed.
func (j *joiner) checkRegistry(ctx context.Context, conn *pgx.Conn) error {
	as := j.identity()
	there, err := noderegistry.ReadIdentity(ctx, conn)
	if err == nil && !there.Copied && j.isLeftover(there.Node) {
		as = there.Node
		j.leftover = &as
	}
	for _, problem := range flatten(noderegistry.Check(ctx, conn, as, j.roles()...)) {
		if noderegistry.ReasonOf(problem) == 0 && contextError(problem) != nil {
			return nodeFailed(j.node.ID, "look for other proxies", problem)
		}
		j.problem("%v", problem)
	}
	return nil
}

// isLeftover says whether a name on a server is of this database, and of no node
// in it.
func (j *joiner) isLeftover(n noderegistry.Node) bool {
	_, inUse := j.db.NodeNamed(topology.NodeID(n.ID))
	return n.Cluster == j.t.ClusterID && n.Database == j.db.Name && !inUse
}

// roles are those that the proxy logs in to the node as.
func (j *joiner) roles() []string {
	var roles []string
	if config, err := pgx.ParseConfig(j.node.DSN); err == nil {
		roles = append(roles, config.User)
	}
	for _, name := range slices.Sorted(maps.Keys(j.t.Users)) {
		u := j.t.Users[name]
		mayUse := len(u.Databases) == 0 || slices.Contains(u.Databases, j.db.Name)
		if u.BackendUser != "" && mayUse && !slices.Contains(roles, u.BackendUser) {
			roles = append(roles, u.BackendUser)
		}
	}
	return roles
}

// flatten returns the errors that errors.Join has put together.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}
