package rebalance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"shardproxy/meta/topology"
	"shardproxy/ring"
	"shardproxy/router/catalog"
)

// preflight finds all that is wrong, changes nothing, and fills the plan. Its
// error means that it could not look.
func (j *joiner) preflight(ctx context.Context) error {
	j.checkRequest()
	j.nodes = append(slices.Clone(j.db.Nodes), j.node)
	fleet, unreachable, err := j.operator.connect(ctx, j.nodes)
	if err != nil {
		return &Error{Code: CodeInvalid, Message: err.Error(), err: err}
	}
	j.fleet = fleet
	for _, err := range unreachable {
		j.plan.problem(err.Error())
	}
	if conn := fleet.conns[j.last()]; conn != nil {
		if err := j.checkServer(ctx, conn); err != nil {
			return err
		}
	}
	if len(unreachable) == 0 && j.server.Version >= catalog.MinVersion {
		if err := j.checkSchema(ctx); err != nil {
			return err
		}
	}
	return j.planMoves(ctx)
}

// maxName is the length of a node's name in bytes.
const maxName = 63

// checkRequest looks at what needs no server, and makes the node.
func (j *joiner) checkRequest() {
	r, p := j.request, j.plan
	j.node = topology.Node{ID: r.Node, Weight: r.Weight, DSN: r.DSN, AdminDSN: r.AdminDSN}
	if r.Node == "" || len(r.Node) > maxName || !utf8.ValidString(string(r.Node)) || strings.ContainsFunc(string(r.Node), func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		p.problem(fmt.Sprintf("the name %q is empty, longer than %d bytes or holds spaces or control characters", r.Node, maxName))
	}
	if _, taken := j.db.NodeNamed(r.Node); taken {
		p.problem(fmt.Sprintf("the database has a node %q already; choose another name", r.Node))
	} else if usedBefore(j.db, r.Node) {
		p.problem(fmt.Sprintf("the name %q belonged to a node that took part in a move; names are not used again, choose another", r.Node))
	}
	if r.Weight < 1 || r.Weight > ring.MaxWeight {
		p.problem(fmt.Sprintf("the weight %d is not from 1 to %d", r.Weight, ring.MaxWeight))
	}
	if r.DSN == "" {
		p.problem("the node has no dsn")
	}
	slot, ok := j.db.FreeSlot()
	if !ok {
		p.problem("no slot is free: as many nodes as the smallest stride of the database's sequences allows are there; remove a node, or make the narrow id columns bigint")
	} else {
		j.node.Slot = slot
		p.Slot = &slot
	}
	if len(j.db.Nodes) >= topology.MaxNodes {
		p.problem(fmt.Sprintf("the database has %d nodes, as many as are possible", len(j.db.Nodes)))
	}
}

// usedBefore says whether a move that is still known was from or to the node.
func usedBefore(db *topology.Database, node topology.NodeID) bool {
	for _, m := range db.Moves {
		if m.Source == node || m.Target == node {
			return true
		}
	}
	return false
}

// planMoves fills the plan's moves, and estimates where the nodes can be asked.
func (j *joiner) planMoves(ctx context.Context) error {
	if !j.planOwners() {
		return nil // there are problems, and nothing to plan
	}
	j.plan.Moves = movesBetween(j.db, j.nodes, j.owners)
	if j.schema.equal {
		j.checkBuilt()
	}
	if j.fleet.snapshots[j.db.Home()] == nil {
		return nil
	}
	if err := j.fleet.measure(ctx, j.db, j.plan, true); err != nil {
		return err
	}
	if j.plan.TotalRows > 0 {
		j.plan.note("there are rows that would have to move: until they are gone, the node can only be planned for")
	}
	if j.plan.Estimated {
		j.plan.note("rows of large tables are estimated from the server's statistics; ANALYZE makes them better")
	}
	return nil
}

// planOwners decides who will own the partitions, if the request allows it.
func (j *joiner) planOwners() bool {
	if _, taken := j.db.NodeNamed(j.node.ID); taken || j.node.ID == "" || j.node.Weight < 1 || j.node.Weight > ring.MaxWeight {
		return false
	}
	owners, err := ownersAfter(j.db, j.nodes, "")
	if err != nil {
		j.plan.problem("the partitions cannot be planned: " + err.Error())
	}
	j.owners = owners
	return err == nil
}
