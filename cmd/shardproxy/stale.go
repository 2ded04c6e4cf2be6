package main

import (
	"context"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
)

// staleReason is why tables are refused whose schema may be another one by now.
const staleReason = "the schema has changed and could not be read from every node since; the proxy tries again by itself"

// isStale reports whether the schema of a database is not known at the moment.
func isStale(db *topology.Database) bool {
	for _, rel := range db.Relations {
		if rel.Placement == topology.Refused && rel.Reason == staleReason {
			return true
		}
	}
	return false
}

// refuseTables makes statements on the user's tables fail, at all peers: the nodes
// may have another schema than the one we know, and a key of another type would be
// looked for on the wrong node. Where the rows are is remembered.
func (s *schema) refuseTables(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	known := s.cluster.Current().Databases[s.name]
	if known == nil || isStale(known) {
		return nil
	}
	refused := known.Clone()
	refused.Relations = make(map[topology.TableName]*topology.Relation, len(known.Relations))
	for name, rel := range known.Relations {
		if rel.Placement != topology.System {
			rel = &topology.Relation{
				Name: name, OID: rel.OID, Placement: topology.Refused, Source: rel.Source, Was: rel.Placed(),
				Columns: rel.Columns, Uniques: rel.Uniques, Reason: staleReason,
			}
		}
		refused.Relations[name] = rel
	}
	command, differs := topology.SchemaDiff(known, refused)
	if !differs {
		return nil
	}
	_, err := s.cluster.Prove(ctx, command, nil)
	return err
}

// staleError is for who changed a schema that could not be read afterwards.
func staleError(cause error) error {
	seen := sqlerr.From(cause)
	return seen.WithDetail("This happened when the schema was read after the statement: " + seen.Message + ".").
		WithHint("Statements on tables are refused until the schema can be read; the proxy tries again by itself.").
		Wrap(cause)
}

// isStale reports whether statements on tables are refused at the moment.
func (s *schema) isStale() bool {
	db := s.cluster.Current().Databases[s.name]
	return db != nil && isStale(db)
}
