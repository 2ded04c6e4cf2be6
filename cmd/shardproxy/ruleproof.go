package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"shardproxy/meta/topology"
)

// resolve says what rules mean for the tables that the nodes of a database have now.
type resolve func(ctx context.Context, t *topology.Topology, database string, rules topology.Rules) (topology.SetRules, error)

// resolveRules is resolve.
func (e *engine) resolveRules(ctx context.Context, t *topology.Topology, database string, rules topology.Rules) (topology.SetRules, error) {
	old := t.Databases[database]
	if old == nil {
		return topology.SetRules{}, fmt.Errorf("database %q: %w", database, topology.ErrNotFound)
	}
	asked := old.Clone()
	asked.Rules = rules
	next, _, err := e.reload(ctx, asked)
	if err != nil {
		return topology.SetRules{}, err
	}
	diff, _ := topology.SchemaDiff(old, next)
	return topology.SetRules{Database: database, Rules: rules, Schema: diff.SchemaChange}, nil
}

// proofOf returns what has to be proved behind the hold before a command is made:
// that its rules mean what they meant when they were resolved. Rows that have come
// since are where the rules of before have placed them. It is nil where a command has
// no rules.
func (c *changer) proofOf(command topology.Command) (func(context.Context, *topology.Topology) error, error) {
	commands, err := rulesIn(command)
	if err != nil || len(commands) == 0 || c.resolve == nil {
		return nil, err
	}
	return func(ctx context.Context, t *topology.Topology) error {
		for _, decided := range commands {
			now, err := c.resolve(ctx, t, decided.Database, decided.Rules)
			if err != nil {
				return err
			}
			if same, err := sameCommand(decided, now); err != nil || !same {
				return errors.Join(err, rulesOutdated(t, decided.Database))
			}
		}
		return nil
	}, nil
}

func rulesOutdated(t *topology.Topology, database string) error {
	return &topology.Conflict{Current: t.Epoch, What: fmt.Sprintf(
		"while the rules of database %q were changed a table has got rows or another schema, so that they mean something else now", database)}
}

// rulesIn returns the commands in one that set rules.
func rulesIn(command topology.Command) ([]topology.SetRules, error) {
	switch c := command.(type) {
	case topology.SetRules:
		return []topology.SetRules{c}, nil
	case topology.SetAll:
		var found []topology.SetRules
		for _, entry := range c.Commands {
			inner, _, err := topology.DecodeCommand(entry)
			if err != nil {
				return nil, err
			}
			if rules, ok := inner.(topology.SetRules); ok {
				found = append(found, rules)
			}
		}
		return found, nil
	}
	return nil, nil
}

// sameCommand compares two commands by what is agreed on.
func sameCommand(a, b topology.Command) (bool, error) {
	one, err := topology.EncodeCommand(a, 0)
	if err != nil {
		return false, err
	}
	other, err := topology.EncodeCommand(b, 0)
	return bytes.Equal(one, other), err
}
