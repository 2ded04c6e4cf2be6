package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardproxy/meta/topology"
	"shardproxy/ring"
)

// occupancy says which nodes have rows.
type occupancy struct {
	keyed, global []bool // by node
}

// nodes returns those with rows in sharded or global tables.
func (o *occupancy) nodes() []topology.NodeIndex {
	var nodes []topology.NodeIndex
	for i := range o.keyed {
		if o.keyed[i] || o.global[i] {
			nodes = append(nodes, topology.NodeIndex(i))
		}
	}
	return nodes
}

// home returns the first node with rows in global tables, or node 0. Where
// several nodes have such rows, those of the others are misplaced.
func (o *occupancy) home() topology.NodeIndex {
	return topology.NodeIndex(max(slices.Index(o.global, true), 0))
}

// existsChunk is how many tables one statement looks into: each must be locked.
const existsChunk = 200

// occupied finds out which nodes have rows.
func (s *seeder) occupied(ctx context.Context) (*occupancy, error) {
	o := &occupancy{keyed: make([]bool, len(s.tables)), global: make([]bool, len(s.tables))}
	err := s.conns.each(ctx, s.conns.all(), "look for rows", func(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) error {
		for _, placement := range []topology.Placement{topology.Sharded, topology.Global} {
			found, err := anyRows(ctx, conn, s.namesOn(i, placement))
			if err != nil {
				return err
			}
			if placement == topology.Sharded {
				o.keyed[i] = found
			} else {
				o.global[i] = found
			}
		}
		return nil
	})
	return o, err
}

// namesOn lists a node's tables of one placement, by name.
func (s *seeder) namesOn(i topology.NodeIndex, placement topology.Placement) []topology.TableName {
	var names []topology.TableName
	for name, rel := range s.tables[i] {
		if rel.Placement == placement {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, byName)
	return names
}

func byName(a, b topology.TableName) int {
	return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
}

// anyRows says whether one of the tables has a row.
func anyRows(ctx context.Context, conn *pgx.Conn, tables []topology.TableName) (bool, error) {
	for chunk := range slices.Chunk(tables, existsChunk) {
		parts := make([]string, len(chunk))
		for i, name := range chunk {
			parts[i] = "EXISTS (SELECT FROM " + sqlName(name) + ")"
		}
		var found bool
		if err := conn.QueryRow(ctx, "SELECT "+strings.Join(parts, " OR ")).Scan(&found); err != nil || found {
			return found, err
		}
	}
	return false, nil
}

// sampleRows is how many rows of each table are looked at before all are: in a
// database that was filled without a ring, they are enough to tell.
const sampleRows = 1000

// misplaced returns up to limit keys on the given nodes that belong elsewhere.
func (s *seeder) misplaced(ctx context.Context, owners, nodes []topology.NodeIndex, limit int) ([]Misplaced, error) {
	for _, rows := range []int{sampleRows, 0} {
		found, err := s.misplacedIn(ctx, owners, nodes, limit, rows)
		if err != nil || len(found) >= limit || rows == 0 {
			return found, err
		}
	}
	return nil, nil
}

// misplacedIn looks at the first rows of each table, 0 for all.
func (s *seeder) misplacedIn(ctx context.Context, owners, nodes []topology.NodeIndex, limit, rows int) ([]Misplaced, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	found := make([][]Misplaced, len(s.tables))
	err := s.conns.each(ctx, nodes, "check where rows are", func(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) error {
		c := &placeChecker{seeder: s, owners: owners, node: i, conn: conn, limit: limit, rows: rows}
		for _, name := range slices.SortedFunc(maps.Keys(s.tables[i]), byName) {
			if err := c.table(ctx, name, s.tables[i][name]); err != nil {
				cancel() // The other nodes need not go on.
				return fmt.Errorf("table %s: %w", name, err)
			}
		}
		found[i] = c.found
		return nil
	})
	all := slices.Concat(found...)
	return all[:min(len(all), limit)], err
}

// placeChecker holds the rows of one node against the owners.
type placeChecker struct {
	*seeder
	owners []topology.NodeIndex
	node   topology.NodeIndex
	conn   *pgx.Conn
	limit  int
	rows   int // of each table; 0 for all
	found  []Misplaced
}

func (c *placeChecker) full() bool { return len(c.found) >= c.limit }

func (c *placeChecker) table(ctx context.Context, name topology.TableName, rel *topology.Relation) error {
	switch {
	case c.full() || rel.Placement == topology.Reference:
		return nil
	case rel.Placement == topology.Global:
		return c.whole(ctx, name, "", c.owners[len(c.owners)-1])
	case rel.Key.Column == "":
		owner, ok := c.owner(rel.Key.Type, []byte(rel.Key.FromName))
		if !ok {
			return fmt.Errorf("its name carries no key: %q", rel.Key.FromName)
		}
		return c.whole(ctx, name, rel.Key.FromName, owner)
	}
	return c.keys(ctx, name, rel)
}

// whole checks a table whose rows are all in one place.
func (c *placeChecker) whole(ctx context.Context, name topology.TableName, key string, owner topology.NodeIndex) error {
	if owner == c.node {
		return nil
	}
	found, err := anyRows(ctx, c.conn, []topology.TableName{name})
	if found {
		c.add(name, key, c.conns.ID(owner))
	}
	return err
}

// keys streams the distinct keys of a table.
func (c *placeChecker) keys(ctx context.Context, name topology.TableName, rel *topology.Relation) error {
	from := fmt.Sprintf("SELECT %s AS k FROM %s", pgx.Identifier{rel.Key.Column}.Sanitize(), sqlName(name))
	if c.rows > 0 {
		from += fmt.Sprintf(" LIMIT %d", c.rows)
	}
	rows, err := c.conn.Query(ctx, "SELECT k::text FROM (SELECT DISTINCT k FROM ("+from+") AS taken) AS keys")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() && !c.full() {
		// The bytes are valid until Next.
		c.key(name, rel, rows.RawValues()[0])
	}
	rows.Close()
	return rows.Err()
}

// key checks one key, in the server's spelling; nil is NULL.
func (c *placeChecker) key(name topology.TableName, rel *topology.Relation, text []byte) {
	if text == nil {
		if !rel.Key.NullReplicated {
			c.add(name, "NULL", "")
		}
		return
	}
	owner, ok := c.owner(rel.Key.Type, text)
	switch {
	case !ok:
		c.add(name, fmt.Sprintf("%q", text), "")
	case owner != c.node:
		c.add(name, fmt.Sprintf("%q", text), c.conns.ID(owner))
	}
}

func (c *placeChecker) owner(t ring.KeyType, text []byte) (topology.NodeIndex, bool) {
	canonical, ok := ring.AppendText(nil, t, text)
	if !ok {
		return 0, false
	}
	return c.owners[ring.PartitionOf(canonical, c.partitions)], true
}

func (c *placeChecker) add(name topology.TableName, key string, should topology.NodeID) {
	c.found = append(c.found, Misplaced{Table: name, Key: key, Node: c.conns.ID(c.node), Should: should})
}

var errNoOwner = errors.New("no node owns partitions")

// compareCopies compares reference tables, and rows without a key that are
// replicated, on all nodes that own partitions. It returns the tables that
// differ, with the reason.
func (s *seeder) compareCopies(ctx context.Context, owners []topology.NodeIndex) (map[topology.TableName]string, error) {
	db := topology.Database{Nodes: s.conns.nodes, Owners: owners}
	nodes := db.OwnerNodes()
	if len(nodes) == 0 {
		return nil, errNoOwner
	}
	sums := make([]map[topology.TableName]string, len(s.tables))
	err := s.conns.each(ctx, nodes, "compare copies", func(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) (err error) {
		sums[i], err = s.sumCopies(ctx, i, conn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.differing(nodes, sums), nil
}

// differing compares each node's sums with those of the first. A table that a
// node lacks is Build's to judge.
func (s *seeder) differing(nodes []topology.NodeIndex, sums []map[topology.TableName]string) map[topology.TableName]string {
	refused := make(map[topology.TableName]string)
	first := nodes[0]
	for _, n := range nodes[1:] {
		for name, sum := range sums[n] {
			if want, ok := sums[first][name]; ok && want != sum && refused[name] == "" {
				refused[name] = fmt.Sprintf("its copies differ: %s on node %q, %s on node %q; make them equal and start again", want, s.conns.ID(first), sum, s.conns.ID(n))
			}
		}
	}
	return refused
}

// sumCopies counts the replicated rows of a node's tables and sums their hashes,
// whatever their order.
func (s *seeder) sumCopies(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) (map[topology.TableName]string, error) {
	sums := make(map[topology.TableName]string)
	for _, name := range slices.SortedFunc(maps.Keys(s.tables[i]), byName) {
		rel := s.tables[i][name]
		where := ""
		switch {
		case rel.Placement == topology.Reference:
		case rel.Key.NullReplicated && rel.Key.Column != "":
			where = " WHERE t." + pgx.Identifier{rel.Key.Column}.Sanitize() + " IS NULL"
		default:
			continue
		}
		var sum string
		err := conn.QueryRow(ctx, fmt.Sprintf(
			"SELECT count(*) || ' rows, checksum ' || coalesce(sum(hashtextextended((t.*)::text, 0)::numeric), 0) FROM %s AS t%s",
			sqlName(name), where)).Scan(&sum)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", name, err)
		}
		sums[name] = sum
	}
	return sums, nil
}
