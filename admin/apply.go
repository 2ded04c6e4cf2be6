package admin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"shardproxy/meta/topology"
)

// ApplyRequest is the body of POST /v1/apply.
type ApplyRequest struct {
	Document Document `json:"document"`
	// DryRun: say what differs, and change nothing.
	DryRun bool `json:"dry_run,omitempty"`
	// Epoch is the one the differences were shown for; needed without DryRun.
	// At another epoch the document is a conflict.
	Epoch uint64 `json:"epoch,omitempty"`
}

// Differences is the answer of POST /v1/apply and POST /v1/restore.
type Differences struct {
	// Epoch is the one the differences are from; once made, the one with the
	// change in it.
	Epoch       uint64       `json:"epoch"`
	DryRun      bool         `json:"dry_run,omitempty"`
	Differences []Difference `json:"differences"`
	// Refused says why it would be refused as things are, Hint what to do.
	Refused string `json:"refused,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

func (s *Server) apply(ctx context.Context, c *change) (any, error) {
	var body ApplyRequest
	if err := readJSON(c.request, &body); err != nil {
		return nil, err
	}
	c.dryRun = body.DryRun
	if !body.DryRun && body.Epoch == 0 {
		return nil, NewProblem(CodeInvalid, "epoch is missing", "Ask with dry_run first, and give the epoch of that answer.")
	}
	t, err := s.current()
	if err != nil {
		return nil, err
	}
	// Looked at first: what follows would be decided on something else.
	if body.Epoch != 0 && body.Epoch != uint64(t.Epoch) {
		return nil, &topology.Conflict{Decided: topology.Epoch(body.Epoch), Current: t.Epoch, What: "the document was compared with another state"}
	}
	plan := applyPlan{server: s, t: t}
	if err := plan.make(ctx, &body.Document); err != nil {
		return nil, err
	}
	c.what = "apply: " + strings.Join(lines(plan.differences), "; ")
	answer := Differences{Epoch: uint64(t.Epoch), DryRun: body.DryRun, Differences: plan.differences}
	if answer.Differences == nil {
		answer.Differences = []Difference{}
	}
	if body.DryRun || len(plan.commands) == 0 {
		return answer, nil
	}
	command, err := plan.command()
	if err != nil {
		return nil, err
	}
	epoch, err := s.propose(ctx, c, t.Epoch, command)
	answer.Epoch = uint64(epoch)
	return answer, err
}

// applyPlan is what a document makes of a topology.
type applyPlan struct {
	server      *Server
	t           *topology.Topology
	commands    []topology.Command
	differences []Difference
}

// command is all of them as one.
func (p *applyPlan) command() (topology.Command, error) {
	if len(p.commands) == 1 {
		return p.commands[0], nil
	}
	return topology.Batch(p.commands...)
}

func (p *applyPlan) make(ctx context.Context, doc *Document) error {
	for _, name := range slices.Sorted(maps.Keys(doc.Databases)) {
		db := p.t.Databases[name]
		if db == nil {
			problem := unknownDatabase(p.t, name)
			problem.Hint += ". A document makes no databases."
			return problem
		}
		declared := doc.Databases[name]
		if err := p.database(ctx, db, &declared); err != nil {
			return err
		}
	}
	if doc.Users == nil {
		return nil
	}
	return p.users(ctx, *doc.Users)
}

func (p *applyPlan) add(command topology.Command, differences []Difference) {
	p.commands = append(p.commands, command)
	p.differences = append(p.differences, differences...)
}

func (p *applyPlan) database(ctx context.Context, db *topology.Database, doc *DatabaseDocument) error {
	rules, differences, err := mergeRules(db, doc)
	if err != nil {
		return err
	}
	if len(differences) > 0 {
		if p.server.opts.Resolver == nil {
			return newProblem(CodeRefused, "database "+db.Name+": rules cannot be changed here")
		}
		command, err := p.server.opts.Resolver.Resolve(ctx, p.t, db.Name, rules)
		if err != nil {
			return err
		}
		p.add(command, append(differences, diffRelations(db, &command)...))
	}
	if doc.Pool == nil {
		return nil
	}
	pool, differences, err := mergePool(db, doc.Pool)
	if err != nil {
		return err
	}
	if len(differences) > 0 {
		p.add(topology.SetPool{Database: db.Name, Pool: pool}, differences)
	}
	return nil
}

// diffRelations says which tables are placed otherwise by the new rules.
func diffRelations(db *topology.Database, rules *topology.SetRules) []Difference {
	var d differ
	for _, now := range rules.Schema.Changed {
		before := ""
		if old := db.Relations[now.Name]; old != nil {
			before = old.Placed().String()
		}
		d.changed(fmt.Sprintf("database %s: table %s", db.Name, now.Name), before, now.Placed().String())
	}
	return d.found
}

func (p *applyPlan) users(ctx context.Context, docs []UserDocument) error {
	listed := make(map[string]bool, len(docs))
	for i := range docs {
		doc := &docs[i]
		if err := checkUserName(doc.Name); err != nil {
			return err
		}
		if listed[doc.Name] {
			return newProblem(CodeInvalid, fmt.Sprintf("user %q is there twice", doc.Name))
		}
		listed[doc.Name] = true
		// A verifier takes milliseconds.
		if err := ctx.Err(); err != nil {
			return err
		}
		settings := doc.settings()
		sealed, err := settings.sealed()
		if err != nil {
			return err
		}
		user, differences, err := mergeUser(p.t, doc.Name, settings, sealed)
		if err != nil {
			return err
		}
		if len(differences) > 0 {
			p.add(topology.SetUser{User: user}, differences)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.t.Users)) {
		if !listed[name] {
			p.add(topology.RemoveUser{Name: name}, []Difference{{Op: OpRemove, What: "user " + name}})
		}
	}
	return nil
}
