package rebalance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardproxy/meta/topology"
	"shardproxy/rebalance/postgres"
	"shardproxy/router/catalog"
)

// schema is what a joining node lacks of the home node's.
type schema struct {
	// bring: the node has no tables, and gets home's by script.
	bring  bool
	script postgres.Script
	// equal: it has them already.
	equal bool
	// extensions of the home node, with their versions.
	extensions map[string]string
	// homeRole and nodeRole run clients' statements there.
	homeRole, nodeRole string
}

// checkSchema reads all catalogs and compares the new node with home. Where it is
// empty, the restoration of home's schema is rehearsed.
func (j *joiner) checkSchema(ctx context.Context) error {
	if err := j.fleet.read(ctx); err != nil {
		return err
	}
	conn := j.fleet.conns[j.last()]
	j.schema.homeRole, j.schema.nodeRole = roleOf(j.nodes[j.db.Home()].DSN), roleOf(j.node.DSN)
	facts, err := j.readFacts(ctx)
	if err != nil {
		return err
	}
	differences, empty, err := j.compare(ctx, conn)
	if err != nil {
		return nodeFailed(j.node.ID, "compare it with the home node", err)
	}
	j.schema.equal = !slices.ContainsFunc(differences, serious)
	j.schema.bring = empty && !j.schema.equal
	if err := j.checkEmpty(ctx, conn); err != nil {
		return err
	}
	j.tell(differences)
	j.checkVersion()
	j.checkFacts(facts)
	j.checkCounters()
	if !j.schema.bring {
		return nil
	}
	before := len(j.plan.Problems)
	if err := j.checkNeeds(ctx, facts[j.last()]); err != nil {
		return err
	}
	if j.server.InRecovery || len(j.plan.Problems) > before {
		return nil // it would fail for what is said already
	}
	return j.rehearse(ctx, conn)
}

// roleOf is the role that a dsn logs in as.
func roleOf(dsn string) string {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return ""
	}
	return config.User
}

// compare holds the objects behind q, on the new node, against home's of now. It
// says whether the node has none.
func (j *joiner) compare(ctx context.Context, q postgres.Querier) (_ []postgres.Difference, empty bool, err error) {
	home, err := postgres.ReadObjects(ctx, j.fleet.conns[j.db.Home()], j.schema.homeRole)
	if err != nil {
		return nil, false, err
	}
	node, err := postgres.ReadObjects(ctx, q, j.schema.nodeRole)
	if err != nil {
		return nil, false, err
	}
	j.schema.extensions = home.Extensions()
	same := j.server.Major() == j.fleet.snapshots[j.db.Home()].Server.Major()
	return postgres.Compare(home, node, same), node.Empty(), nil
}

func serious(d postgres.Difference) bool { return !d.Harmless }

// maxDifferences is how many are told.
const maxDifferences = 30

// tell makes problems and notes of differences. A node that is empty differs in
// everything, and gets it.
func (j *joiner) tell(differences []postgres.Difference) {
	if j.schema.bring {
		j.plan.note(fmt.Sprintf("node %q has no tables yet, and gets the schema of the home node %q", j.node.ID, j.nodes[j.db.Home()].ID))
		return
	}
	told := 0
	for _, d := range differences {
		if d.Harmless {
			j.plan.note(fmt.Sprintf("node %q: %s", j.node.ID, d))
			continue
		}
		if told++; told <= maxDifferences {
			j.problem("%s, compared with the home node", d)
		}
	}
	if told > maxDifferences {
		j.problem("and %d differences more", told-maxDifferences)
	}
	if told > 0 {
		j.problem("make its schema equal to the home node's, or empty the database: then it gets that schema")
	}
}

// checkEmpty: the rows of a new node would be nobody's.
func (j *joiner) checkEmpty(ctx context.Context, conn *pgx.Conn) error {
	rows, err := postgres.Occupied(ctx, conn, countLimit)
	if err != nil {
		return nodeFailed(j.node.ID, "look for rows", err)
	}
	for i, t := range rows {
		if i == maxListed {
			j.problem("and rows in %d tables more", len(rows)-i)
			break
		}
		j.problem("it holds rows in %s; a node that joins must be empty", t)
	}
	return nil
}

// checkNeeds looks for what home's schema refers to and does not bring along:
// roles and extensions.
func (j *joiner) checkNeeds(ctx context.Context, facts *postgres.Facts) error {
	home, node := j.fleet.conns[j.db.Home()], j.fleet.conns[j.last()]
	roles, err := postgres.ReadRoles(ctx, home)
	if err != nil {
		return nodeFailed(j.nodes[j.db.Home()].ID, "read whom tables belong to", err)
	}
	missing, foreign, err := postgres.MissingRoles(ctx, node, roles)
	if err != nil {
		return nodeFailed(j.node.ID, "look for roles", err)
	}
	if len(missing) > 0 {
		j.problem("these roles own tables of the home node or have rights on them, and do not exist there: %s; CREATE ROLE each", strings.Join(missing, ", "))
	}
	if len(foreign) > 0 {
		j.problem("role %q may not make objects that belong to %s: GRANT these TO it, or name a superuser in admin_dsn", facts.Role, strings.Join(foreign, ", "))
	}
	problems, notes, err := postgres.ExtensionProblems(ctx, node, j.schema.extensions, facts)
	if err != nil {
		return nodeFailed(j.node.ID, "look for extensions", err)
	}
	for _, p := range problems {
		j.problem("%s", p)
	}
	for _, n := range notes {
		j.plan.note(fmt.Sprintf("node %q: %s", j.node.ID, n))
	}
	return nil
}

// rehearse dumps home's schema, restores it on the new node, compares, and takes
// it back.
func (j *joiner) rehearse(ctx context.Context, conn *pgx.Conn) error {
	home := j.nodes[j.db.Home()]
	tools, err := postgres.FindTools(ctx, j.operator.opts.ToolsDir, j.fleet.snapshots[j.db.Home()].Server.Major())
	if _, missing := errors.AsType[*postgres.MissingToolsError](err); missing {
		j.plan.problem(err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	dsn := home.AdminDSN
	if dsn == "" {
		dsn = home.DSN
	}
	if j.schema.script, err = tools.Dump(ctx, dsn); err != nil {
		if ctx.Err() != nil {
			return err
		}
		j.plan.problem(fmt.Sprintf("the schema of the home node %q cannot be read: %v", home.ID, err))
		return nil
	}
	err = postgres.Rehearse(ctx, conn, j.schema.script, j.isEqual)
	if refused, ok := errors.AsType[*postgres.RestoreError](err); ok && ctx.Err() == nil {
		j.problem("%v", refused)
		return nil
	}
	if unequal, ok := errors.AsType[*differencesError](err); ok {
		for _, d := range unequal.differences {
			j.problem("%s, once it has the schema of the home node", d)
		}
		return nil
	}
	if err != nil {
		return nodeFailed(j.node.ID, "rehearse to restore the schema", err)
	}
	return nil
}

// differencesError says that a restored schema is not home's.
type differencesError struct{ differences []postgres.Difference }

func (e *differencesError) Error() string {
	return fmt.Sprintf("the restored schema differs from the home node's: %v", e.differences)
}

func (j *joiner) isEqual(ctx context.Context, tx pgx.Tx) error {
	differences, _, err := j.compare(ctx, tx)
	differences = slices.DeleteFunc(differences, func(d postgres.Difference) bool { return d.Harmless })
	if err == nil && len(differences) > 0 {
		err = &differencesError{differences}
	}
	return err
}

// bringSchema gives the new node home's schema, all of it or nothing.
func (j *joiner) bringSchema(ctx context.Context) error {
	if !j.schema.bring {
		return nil
	}
	conn, err := j.fleet.opener.Connect(ctx, j.last())
	if err != nil {
		return nodeFailed(j.node.ID, "connect", err)
	}
	defer catalog.Disconnect(conn)
	if err := postgres.Restore(ctx, conn, j.schema.script, j.isEqual); err != nil {
		return nodeFailed(j.node.ID, "restore the schema of the home node", err)
	}
	if err := j.fleet.read(ctx); err != nil {
		return err
	}
	j.plan.Problems = nil
	j.checkBuilt()
	if len(j.plan.Problems) > 0 {
		return &Error{
			Code: CodeNode, Message: fmt.Sprintf("node %q has the schema of the home node now, and yet", j.node.ID),
			Problems: j.plan.Problems, Plan: j.plan,
		}
	}
	return nil
}

// checkBuilt resolves the rules with and without the new node: what it changes
// of any table is a problem.
func (j *joiner) checkBuilt() {
	with, without := j.build(j.owners), j.build(j.db.Owners)
	for _, name := range slices.SortedFunc(maps.Keys(with.Relations), byName) {
		now, before := with.Relations[name], without.Relations[name]
		switch {
		case before == nil || reflect.DeepEqual(now, before):
		case now.Placement == topology.Refused:
			j.problem("table %s would be refused: %s", name, now.Reason)
		default:
			j.problem("table %s differs: %s", name, strings.Join(newTexts(before.Warnings, now.Warnings), "; "))
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(with.Sequences), byName) {
		if before, ok := without.Sequences[name]; ok && before != with.Sequences[name] {
			j.problem("sequence %s: %s", name, with.Sequences[name].Reason)
		}
	}
}

func newTexts(before, now []string) []string {
	return slices.DeleteFunc(slices.Clone(now), func(t string) bool { return slices.Contains(before, t) })
}
