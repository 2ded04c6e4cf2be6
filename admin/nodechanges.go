package admin

import (
	"cmp"
	"context"
	"fmt"

	"shardproxy/meta/topology"
)

// maxWeight is the largest weight of a node.
const maxWeight = 1000

// NodeSettings is the body of PUT /v1/nodes/NAME. What is absent stays.
type NodeSettings struct {
	// Database may be left out when there is one only.
	Database string  `json:"database,omitempty"`
	DSN      *Secret `json:"dsn,omitempty"`
	// AdminDSN is for the role that reads catalogs; empty: DSN.
	AdminDSN *Secret `json:"admin_dsn,omitempty"`
	Weight   *int    `json:"weight,omitempty"`
}

// NodeAddition is the body of POST /v1/nodes.
type NodeAddition struct {
	Database string `json:"database,omitempty"`
	Name     string `json:"name"`
	DSN      Secret `json:"dsn"`
	AdminDSN Secret `json:"admin_dsn,omitempty"`
	Weight   *int   `json:"weight,omitempty"` // default 1
	// DryRun: say what it would do, and change nothing.
	DryRun bool `json:"dry_run,omitempty"`
}

// NodePlan says what adding or removing a node does.
type NodePlan struct {
	Database string `json:"database"`
	Node     string `json:"node"`
	DryRun   bool   `json:"dry_run,omitempty"`
	// Epoch is the one the plan was made at; once done, the one with the change
	// in it.
	Epoch uint64 `json:"epoch"`
	// Transfers are the partitions that get another owner.
	Transfers []Transfer `json:"transfers"`
	// Notes are worth knowing.
	Notes []string `json:"notes,omitempty"`
	// Refused says why it would be refused as things are, Problems all that has to
	// be cured first, Hint what to do.
	Refused  string   `json:"refused,omitempty"`
	Problems []string `json:"problems,omitempty"`
	Hint     string   `json:"hint,omitempty"`
}

// NodeRemoval says how a node is to be removed.
type NodeRemoval struct {
	// Force removes one that does not answer, or whose rows are to be forgotten.
	Force bool
	// DryRun: say what it would do, and change nothing.
	DryRun bool
}

// Transfer is what goes from one node to another.
type Transfer struct {
	From       string `json:"from"`
	To         string `json:"to"`
	Partitions int    `json:"partitions"`
	// Tables are those with rows in these partitions, by name.
	Tables []TableEstimate `json:"tables"`
}

// TableEstimate is how much of a table a transfer moves, by the server's own
// statistics.
type TableEstimate struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
}

func (s *Server) addNode(ctx context.Context, c *change) (any, error) {
	body := NodeAddition{}
	if err := readJSON(c.request, &body); err != nil {
		return nil, err
	}
	c.dryRun = body.DryRun
	_, db, err := s.database(body.Database)
	if err != nil {
		return nil, err
	}
	node := topology.Node{
		ID: topology.NodeID(body.Name), DSN: body.DSN.Reveal(), AdminDSN: body.AdminDSN.Reveal(), Weight: 1,
	}
	if body.Weight != nil {
		node.Weight = *body.Weight
	}
	err = cmp.Or(checkPlainName("name", body.Name), checkDSN("dsn", db.Engine, body.DSN), checkWeight(node.Weight))
	if err == nil && body.AdminDSN != "" {
		err = checkDSN("admin_dsn", db.Engine, body.AdminDSN)
	}
	if err != nil {
		return nil, err
	}
	c.what = fmt.Sprintf("database %s: add node %s at %s, weight %d", db.Name, node.ID, shownDSN(node.DSN), node.Weight)
	if _, there := db.NodeNamed(node.ID); there {
		return nil, NewProblem(CodeRefused, fmt.Sprintf("there is a node %s already", node.ID),
			"Choose another name, or change its address with \"shardctl nodes set\".")
	}
	c.proposed = !body.DryRun
	plan, err := s.opts.Nodes.AddNode(ctx, db.Name, node, body.DryRun)
	return planned(c, plan, err)
}

func (s *Server) removeNode(ctx context.Context, c *change) (any, error) {
	values, err := parameters(c.request, "database", "dry_run", "force")
	if err != nil {
		return nil, err
	}
	var removal NodeRemoval
	if removal.DryRun, err = parseBool(values, "dry_run"); err != nil {
		return nil, err
	}
	if removal.Force, err = parseBool(values, "force"); err != nil {
		return nil, err
	}
	c.dryRun = removal.DryRun
	db, node, err := s.node(values.Get("database"), c.request.PathValue("name"))
	if err != nil {
		return nil, err
	}
	c.what = fmt.Sprintf("database %s: remove node %s, force %t", db.Name, node, removal.Force)
	c.proposed = !c.dryRun
	plan, err := s.opts.Nodes.RemoveNode(ctx, db.Name, node, removal)
	return planned(c, plan, err)
}

func planned(c *change, plan NodePlan, err error) (any, error) {
	if !c.dryRun {
		c.epoch = topology.Epoch(plan.Epoch)
	}
	if err != nil {
		return nil, err
	}
	if plan.Transfers == nil {
		plan.Transfers = []Transfer{}
	}
	for i := range plan.Transfers {
		if plan.Transfers[i].Tables == nil {
			plan.Transfers[i].Tables = []TableEstimate{}
		}
	}
	return plan, nil
}

func (s *Server) setNode(ctx context.Context, c *change) (any, error) {
	var body NodeSettings
	if err := readJSON(c.request, &body); err != nil {
		return nil, err
	}
	db, node, err := s.node(body.Database, c.request.PathValue("name"))
	if err != nil {
		return nil, err
	}
	change, err := body.command(db, node)
	if err != nil {
		return nil, err
	}
	c.what = settingsText(&change)
	c.proposed = true
	c.epoch, err = s.opts.Nodes.SetNode(ctx, change)
	return Changed{uint64(c.epoch)}, err
}

// command checks the settings.
func (n *NodeSettings) command(db *topology.Database, node topology.NodeID) (topology.SetNode, error) {
	change := topology.SetNode{Database: db.Name, Node: node, Weight: n.Weight}
	if n.DSN == nil && n.AdminDSN == nil && n.Weight == nil {
		return change, newProblem(CodeInvalid, "there is nothing to set: dsn, admin_dsn or weight")
	}
	if n.DSN != nil {
		if err := checkDSN("dsn", db.Engine, *n.DSN); err != nil {
			return change, err
		}
		text := n.DSN.Reveal()
		change.DSN = &text
	}
	if n.AdminDSN != nil {
		if *n.AdminDSN != "" {
			if err := checkDSN("admin_dsn", db.Engine, *n.AdminDSN); err != nil {
				return change, err
			}
		}
		text := n.AdminDSN.Reveal()
		change.AdminDSN = &text
	}
	if n.Weight != nil {
		return change, checkWeight(*n.Weight)
	}
	return change, nil
}

func settingsText(n *topology.SetNode) string {
	text := fmt.Sprintf("database %s: node %s", n.Database, n.Node)
	if n.DSN != nil {
		text += ", dsn " + shownDSN(*n.DSN)
	}
	if n.AdminDSN != nil {
		text += ", admin_dsn " + shownDSN(*n.AdminDSN)
	}
	if n.Weight != nil {
		text += fmt.Sprintf(", weight %d", *n.Weight)
	}
	return text
}

func checkWeight(weight int) error {
	if weight < 0 || weight > maxWeight {
		return newProblem(CodeInvalid, fmt.Sprintf("weight: 0 to %d", maxWeight))
	}
	return nil
}

// node finds a node; the database may be left out when there is one only.
func (s *Server) node(database, name string) (*topology.Database, topology.NodeID, error) {
	_, db, err := s.database(database)
	if err != nil {
		return nil, "", err
	}
	id := topology.NodeID(name)
	if _, there := db.NodeNamed(id); there {
		return db, id, nil
	}
	names := make([]topology.NodeID, len(db.Nodes))
	for i := range db.Nodes {
		names[i] = db.Nodes[i].ID
	}
	return nil, "", unknownName("node", name, names)
}
