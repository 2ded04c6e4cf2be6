package admin

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"shardproxy/internal/config"
	"shardproxy/internal/metrics"
	"shardproxy/meta/topology"
	"shardproxy/router/plan"
)

// current is the topology, or CodeNotReady.
func (s *Server) current() (*topology.Topology, error) {
	if t := s.opts.Topology.Current(); t != nil {
		return t, nil
	}
	return nil, newProblem(CodeNotReady, "there is no topology yet")
}

// database finds a database; the name may be left out when there is one only.
func (s *Server) database(name string) (*topology.Topology, *topology.Database, error) {
	t, err := s.current()
	if err != nil {
		return nil, nil, err
	}
	names := slices.Sorted(maps.Keys(t.Databases))
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	if db, found := t.Databases[name]; found {
		return t, db, nil
	}
	problem := unknownDatabase(t, name)
	if name == "" {
		problem.Detail = "which database?"
	}
	return nil, nil, problem
}

// queried is the database a GET request names; other parameters are errors.
func (s *Server) queried(r *http.Request) (*topology.Topology, *topology.Database, error) {
	values, err := parameters(r, "database")
	if err != nil {
		return nil, nil, err
	}
	return s.database(values.Get("database"))
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) error {
	status := Status{Version: s.opts.Version, Ready: true, Databases: []DatabaseStatus{}}
	if err := s.opts.Readiness.Ready(r.Context()); err != nil {
		status.Ready, status.NotReady = false, err.Error()
	}
	if t := s.opts.Topology.Current(); t != nil {
		status.ClusterID, status.Epoch, status.Peers = t.ClusterID, uint64(t.Epoch), len(t.Peers)
		for _, name := range slices.Sorted(maps.Keys(t.Databases)) {
			status.Databases = append(status.Databases, statusOf(t.Databases[name]))
		}
	}
	if s.opts.Cluster != nil {
		standing := s.opts.Cluster.Standing()
		status.Peer, status.Leader = string(standing.Peer), string(standing.Leader)
		status.RaftState, status.AppliedEpoch = strings.ToLower(standing.State), uint64(standing.Applied)
		status.Term, status.AppliedIndex, status.LastIndex = standing.Term, standing.AppliedIndex, standing.LastIndex
	}
	return writeJSON(w, status)
}

func statusOf(db *topology.Database) DatabaseStatus {
	status := DatabaseStatus{
		Name:       db.Name,
		Engine:     db.Engine.String(),
		Nodes:      len(db.Nodes),
		Partitions: db.PartitionCount(),
		Tables:     len(tablesOf(db)),
		Paused:     db.Paused,
	}
	if a := db.Armed; a != nil {
		status.Armed = &Armed{ID: uint64(a.ID), What: a.What}
		for _, table := range a.Hold.Tables {
			status.Armed.Tables = append(status.Armed.Tables, table.String())
		}
	}
	return status
}

func (s *Server) nodes(w http.ResponseWriter, r *http.Request) error {
	t, db, err := s.queried(r)
	if err != nil {
		return err
	}
	owned := partitionsOf(db)
	states := map[string]metrics.PoolState{}
	if s.opts.Pools != nil {
		for _, state := range s.opts.Pools.States() {
			if state.Database == db.Name {
				sum := states[state.Node]
				sum.Add(state)
				states[state.Node] = sum
			}
		}
	}
	answer := Nodes{Database: db.Name, Epoch: uint64(t.Epoch), Nodes: []Node{}}
	for i, node := range db.Nodes {
		state := states[string(node.ID)]
		answer.Nodes = append(answer.Nodes, Node{
			Name:       string(node.ID),
			DSN:        shownDSN(node.DSN),
			AdminDSN:   shownDSN(node.AdminDSN),
			State:      node.State.String(),
			Slot:       int(node.Slot),
			Weight:     node.Weight,
			Partitions: owned[i],
			Home:       int(db.Home()) == i,
			Up:         !state.Failing,
			Idle:       state.Idle,
			Active:     state.Active,
			Cancelling: state.Cancelling,
			Dialing:    state.Dialing,
			Waiting:    state.Waiting,
		})
	}
	return writeJSON(w, answer)
}

// shownDSN is a DSN without what others must not see.
func shownDSN(dsn string) string {
	if dsn == "" {
		return ""
	}
	return config.NewDSN(dsn).String()
}

// partitionsOf counts the ordinary partitions of each node.
func partitionsOf(db *topology.Database) []int {
	owned := make([]int, len(db.Nodes))
	for _, owner := range db.Owners[:db.PartitionCount()] {
		owned[owner]++
	}
	return owned
}

func (s *Server) tables(w http.ResponseWriter, r *http.Request) error {
	t, db, err := s.queried(r)
	if err != nil {
		return err
	}
	return writeJSON(w, Tables{Database: db.Name, Epoch: uint64(t.Epoch), Tables: tablesOf(db)})
}

// tablesOf lists the user's tables and views by name.
func tablesOf(db *topology.Database) []Table {
	tables := []Table{}
	for name, relation := range db.Relations {
		if relation.Placement == topology.System {
			continue
		}
		table := Table{
			Name:      name.String(),
			Placement: relation.Placement.String(),
			Source:    relation.Source.String(),
			Reason:    relation.Reason,
			Warnings:  relation.Warnings,
		}
		if relation.Placement == topology.Sharded {
			table.Kind = string(relation.Key.Kind)
			table.Column = relation.Key.Column
			table.KeyType = relation.Key.Type.String()
			table.NameKey = relation.Key.FromName
		}
		tables = append(tables, table)
	}
	slices.SortFunc(tables, func(a, b Table) int { return strings.Compare(a.Name, b.Name) })
	return tables
}

func (s *Server) ring(w http.ResponseWriter, r *http.Request) error {
	t, db, err := s.queried(r)
	if err != nil {
		return err
	}
	answer := Ring{
		Database:   db.Name,
		Epoch:      uint64(t.Epoch),
		Partitions: db.PartitionCount(),
		Home:       string(db.Nodes[db.Home()].ID),
		Nodes:      sharesOf(db),
		Ranges:     []Range{},
	}
	for p, owner := range db.Owners[:db.PartitionCount()] {
		node, last := string(db.Nodes[owner].ID), len(answer.Ranges)-1
		if last >= 0 && answer.Ranges[last].Node == node {
			answer.Ranges[last].Last = uint32(p)
			continue
		}
		answer.Ranges = append(answer.Ranges, Range{First: uint32(p), Last: uint32(p), Node: node})
	}
	return writeJSON(w, answer)
}

func sharesOf(db *topology.Database) []Share {
	weights := 0
	for i := range db.Nodes {
		weights += db.Nodes[i].Weight
	}
	shares := make([]Share, len(db.Nodes))
	for i, owned := range partitionsOf(db) {
		node := &db.Nodes[i]
		shares[i] = Share{
			Node: string(node.ID), Partitions: owned,
			Share:  float64(owned) / float64(db.PartitionCount()),
			Target: float64(node.Weight) / float64(max(1, weights)),
		}
	}
	return shares
}

func explanations(database string, plans []plan.Explanation) Explanations {
	answer := Explanations{Database: database, Statements: []Explanation{}}
	for _, p := range plans {
		e := Explanation{
			Class:     className(p.Class),
			Nodes:     []string{},
			WholeNode: p.Whole,
			Key:       p.Key,
			Why:       p.Why,
			Error:     p.Error,
			Hint:      p.Hint,
		}
		for _, node := range p.Nodes {
			e.Nodes = append(e.Nodes, string(node))
		}
		for _, partition := range p.Partitions {
			e.Partitions = append(e.Partitions, uint32(partition))
		}
		for _, table := range p.Tables {
			e.Tables = append(e.Tables, TableReference(table))
		}
		answer.Statements = append(answer.Statements, e)
	}
	return answer
}

// className is a class as the API writes it.
func className(class plan.Class) string {
	switch class {
	case plan.Single:
		return "single"
	case plan.Subset:
		return "subset"
	case plan.Scatter:
		return "scatter"
	case plan.Any:
		return "any"
	case plan.All:
		return "all"
	case plan.Local:
		return "local"
	case plan.Nothing:
		return "nothing"
	case plan.Reject:
		return "rejected"
	}
	return fmt.Sprintf("class %d", class)
}
