package plan

import (
	"errors"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/sqlscan"
)

// Options configure a Cache.
type Options struct {
	// Parser reads the statements of the database's engine. Required.
	Parser Parser
	// Engine is the database's engine; default topology.Postgres.
	Engine topology.Engine
	// Size is the number of templates kept; default 10000.
	Size int
	// MaxBytes is the length in bytes of all shapes kept together; their
	// templates take a multiple of it. Default 8 MiB.
	MaxBytes int
	// MaxShape is the length in bytes of the longest shape that is kept;
	// longer statements are parsed every time. Default 16 KiB.
	MaxShape int
}

// The defaults of Options.
const (
	DefaultSize     = 10000
	DefaultMaxBytes = 8 << 20
	DefaultMaxShape = 16 << 10
)

// Cache holds the templates of one database. Its methods may be called
// concurrently; a hit takes no lock.
//
// A template is found by its shape, compared in full, and by everything else it
// was made from: the lexer's mode, the search path and the schema epoch.
type Cache struct {
	compiler compiler
	store    *store
	maxShape int
	hits     counter
	misses   counter
}

// NewCache returns an empty cache.
func NewCache(o Options) *Cache {
	if o.Size <= 0 {
		o.Size = DefaultSize
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.MaxShape <= 0 {
		o.MaxShape = DefaultMaxShape
	}
	return &Cache{
		compiler: compiler{dialect: newDialect(o.Engine), parser: o.Parser},
		store:    newStore(o.Size, o.MaxBytes),
		maxShape: o.MaxShape,
	}
}

// Template returns the template of the scanned statement. It is never nil: a
// statement that does not parse or cannot be placed has a template that
// rejects. db must be of the database the cache was made for. The template does
// not refer to the scan.
func (c *Cache) Template(db *topology.Database, env *Env, sc *sqlscan.Scan) *Template {
	t := c.store.find(sc, env, db.SchemaEpoch)
	if t != nil {
		c.hits.add(env)
	} else {
		t = c.make(db, env, sc)
	}
	if len(sc.Hints) > 0 {
		return &Template{compiled: t.compiled, hint: hintsOf(sc)}
	}
	return t
}

// make compiles a statement and keeps the template.
func (c *Cache) make(db *topology.Database, env *Env, sc *sqlscan.Scan) *Template {
	c.misses.add(env)
	t := &Template{compiled: c.compileScan(db, env, sc)}
	if len(sc.Shape) <= c.maxShape {
		c.store.add(sc, env, db.SchemaEpoch, t)
	}
	return t
}

// Hits and Misses count the calls of Template that found a template and those
// that had to make one.
func (c *Cache) Hits() uint64 { return c.hits.load() }

// Misses: see Hits.
func (c *Cache) Misses() uint64 { return c.misses.load() }

// compileScan parses and compiles a scanned statement.
func (c *Cache) compileScan(db *topology.Database, env *Env, sc *sqlscan.Scan) *compiled {
	if env.Backslash && !sc.Strippable && hasBackslash(sc.Shape) {
		// The parser reads strings as the standard says: it would see another
		// statement than the server.
		return rejecting(sqlerr.NotSupported("a backslash in this statement while standard_conforming_strings is off").
			WithHint("SET standard_conforming_strings = on, or write E'...'."))
	}
	if env.Backslash && hasBackslash(sc.Shape) {
		return rejecting(sqlerr.NotSupported("a backslash in a part of the statement that is no plain literal, while standard_conforming_strings is off").
			WithHint("SET standard_conforming_strings = on."))
	}
	statements, err := c.compiler.parser.Parse(string(sc.AppendParseText(nil)))
	if err != nil {
		return c.unparsed(sc, err)
	}
	if len(statements) != 1 {
		return rejecting(sqlerr.Unroutable("shardproxy cannot tell where the statement ends"))
	}
	return c.compiler.compile(db, env, statements[0])
}

func hasBackslash(text []byte) bool {
	for _, c := range text {
		if c == '\\' {
			return true
		}
	}
	return false
}

// unparsed is the template of a statement that does not parse. Its error is that
// of the text as the client wrote it; a key hint can still place it.
func (c *Cache) unparsed(sc *sqlscan.Scan, err error) *compiled {
	if sc.Strippable {
		text := sc.Text[sc.Span.Start:sc.Span.End]
		if _, original := c.compiler.parser.Parse(string(text)); original != nil {
			err = original
		}
	}
	var known *sqlerr.Error
	if !errors.As(err, &known) {
		known = sqlerr.Internal(err)
	}
	return blocked(known)
}

// rejecting is a template that rejects whatever the hint.
func rejecting(err *sqlerr.Error) *compiled { return &compiled{failure: err, write: true} }

// blocked is a template that rejects unless a key hint says where it runs.
func blocked(err *sqlerr.Error) *compiled { return &compiled{blocked: err, write: true} }
