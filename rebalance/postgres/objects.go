package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Querier is a connection or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Kind is a kind of object, in words: "index".
type Kind string

// The kinds that are treated in a way of their own.
const (
	kindExtension Kind = "extension"
	kindSchema    Kind = "schema"
	kindRelation  Kind = "relation"
	kindOwner     Kind = "owner of"
	kindGrants    Kind = "grants on"
	kindSetting   Kind = "setting of"
	kindRights    Kind = "application's rights on"
)

// Objects are what the users of a database made there: by kind and name the
// definition, in words that are the same on every server of a major version.
// Objects of extensions and the proxy's own are not among them.
type Objects map[Kind]map[string]string

// ReadObjects reads the objects of the database behind q. application is the
// role that clients' statements run as; its rights are among what is compared.
func ReadObjects(ctx context.Context, q Querier, application string) (Objects, error) {
	objects := make(Objects)
	for _, look := range looks() {
		var args []any
		if look.kind == kindRights {
			args = append(args, application)
		}
		rows, err := q.Query(ctx, look.sql, args...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", look.kind, err)
		}
		found := make(map[string]string)
		var name, definition string
		_, err = pgx.ForEachRow(rows, []any{&name, &definition}, func() error {
			found[name] = definition
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", look.kind, err)
		}
		if len(found) > 0 {
			objects[look.kind] = found
		}
	}
	return objects, nil
}

// Empty says whether there is nothing but extensions and schemas.
func (o Objects) Empty() bool {
	for kind := range o {
		switch kind {
		case kindExtension, kindSchema, kindSetting, kindOwner, kindGrants, kindRights:
		default:
			return false
		}
	}
	return true
}

// Extensions returns the installed extensions with their versions.
func (o Objects) Extensions() map[string]string { return maps.Clone(o[kindExtension]) }

// Difference is how one object of a node differs from home's.
type Difference struct {
	Kind Kind
	Name string
	What string // "is missing"
	// Harmless: statements give the same rows all the same.
	Harmless bool
}

func (d Difference) String() string { return fmt.Sprintf("%s %s %s", d.Kind, d.Name, d.What) }

// Compare returns how the objects of a node differ from those of the home node,
// by kind and name. Servers of different major versions write the same
// definition in different words; definitions are then not compared.
func Compare(home, node Objects, sameVersion bool) []Difference {
	var all []Difference
	whole := missingRelations(home, node)
	for _, look := range looks() {
		h, n := home[look.kind], node[look.kind]
		names := maps.Clone(h)
		if names == nil {
			names = make(map[string]string)
		}
		maps.Copy(names, n)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			homes, atHome := h[name]
			nodes, onNode := n[name]
			d := Difference{Kind: look.kind, Name: name}
			switch {
			case look.kind != kindRelation && partOf(name, whole):
				continue // the relation is told
			case !onNode:
				d.What = "is missing"
			case !atHome:
				d.What = "is not on the home node"
			case look.kind == kindRights && covers(nodes, homes):
				continue
			case homes != nodes && (sameVersion || look.plain):
				d.What = fmt.Sprintf("is %q, not %q", excerpt(nodes), excerpt(homes))
			default:
				continue
			}
			d.Harmless = harmless(d, atHome, onNode)
			all = append(all, d)
		}
	}
	return all
}

// missingRelations returns the relations that one side only has.
func missingRelations(a, b Objects) map[string]bool {
	missing := make(map[string]bool)
	for _, pair := range [][2]Objects{{a, b}, {b, a}} {
		for name := range pair[0][kindRelation] {
			if _, ok := pair[1][kindRelation][name]; !ok {
				missing[name] = true
			}
		}
	}
	return missing
}

// partOf says whether an object is one of the relations, or a part of one by its
// name: "public.t.id", "public.t: t_pkey".
func partOf(name string, relations map[string]bool) bool {
	relation, _, _ := strings.Cut(name, ": ")
	if relations[relation] {
		return true
	}
	dot := strings.LastIndexByte(relation, '.')
	return dot > 0 && relations[relation[:dot]]
}

// harmless: an owner or grant may name another role on another server as long as
// the application's rights are the same; a version of an extension is the
// operator's choice, and so are an extension or a schema more.
func harmless(d Difference, atHome, onNode bool) bool {
	switch d.Kind {
	case kindOwner, kindGrants:
		return true
	case kindExtension, kindSchema:
		return !atHome || onNode
	case kindSetting:
		// What names, rights or rows depend on is not.
		_, parameter, _ := strings.Cut(d.Name, ": ")
		custom := strings.Contains(parameter, ".")
		return !custom && !slices.Contains([]string{"search_path", "role", "row_security", "session_replication_role"}, parameter)
	}
	return false
}

// covers says whether the rights that are listed first are at least the others.
func covers(rights, needed string) bool {
	has := strings.Split(rights, ",")
	for right := range strings.SplitSeq(needed, ",") {
		if right != "" && right != noSchema && !slices.Contains(has, right) {
			return false
		}
	}
	return !slices.Contains(has, noSchema) || strings.HasPrefix(needed, noSchema)
}

// noSchema stands among rights where the schema may not be used.
const noSchema = "no schema"

// maxExcerpt is how much of a definition is shown, in bytes.
const maxExcerpt = 120

func excerpt(definition string) string {
	if len(definition) <= maxExcerpt {
		return definition
	}
	return definition[:maxExcerpt] + "..."
}
