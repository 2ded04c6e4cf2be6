package catalog

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// What follows is for who looks at a server that is not a node yet.

// MinVersion is the oldest server that Read works on, as server_version_num.
const MinVersion = minVersion

// ReadServer asks the server behind conn what it is. It works on older versions
// than Read, which refuses them.
func ReadServer(ctx context.Context, conn *pgx.Conn) (*Server, error) { return readServer(ctx, conn) }

// Major is the server's major version, 15.
func (s *Server) Major() int { return s.major() }

// Faults says why the server cannot be a node of any database, in clauses that
// follow the node's name: it is too old, a standby, read-only, behind a pooler,
// or has another encoding than UTF-8.
func (s *Server) Faults() []string { return serverFaults(s) }

// Same says whether two connections reached one database of one server.
func (a Identity) Same(b Identity) bool { return a.same(b) }
