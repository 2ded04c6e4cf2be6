package plan

import (
	"errors"
	"unicode/utf8"

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

// make compiles a statement and keeps the template. One that does not parse is
// not kept: its error tells of the text, not of the shape.
func (c *Cache) make(db *topology.Database, env *Env, sc *sqlscan.Scan) *Template {
	c.misses.add(env)
	compiled, parsed := c.compileScan(db, env, sc)
	t := &Template{compiled: compiled}
	if parsed && len(sc.Shape) <= c.maxShape {
		c.store.add(sc, env, db.SchemaEpoch, t)
	}
	return t
}

// Hits and Misses count the calls of Template that found a template and those
// that had to make one.
func (c *Cache) Hits() uint64 { return c.hits.load() }

// Misses: see Hits.
func (c *Cache) Misses() uint64 { return c.misses.load() }

// compileScan parses and compiles a scanned statement. parsed is false where it
// does not parse.
func (c *Cache) compileScan(db *topology.Database, env *Env, sc *sqlscan.Scan) (t *compiled, parsed bool) {
	if env.Backslash && hasBackslash(sc.Shape) {
		// The parser reads strings as the standard says: it would see another
		// statement than the server.
		return rejecting(sqlerr.NotSupported("a backslash outside of plain literals while standard_conforming_strings is off").
			WithHint("SET standard_conforming_strings = on.")), true
	}
	statements, err := c.compiler.parser.Parse(string(sc.AppendParseText(nil)))
	if err != nil {
		return c.unparsed(sc, err), false
	}
	if len(statements) != 1 {
		return rejecting(sqlerr.Unroutable("shardproxy cannot tell where the statement ends")), true
	}
	return c.compiler.compile(db, env, statements[0]), true
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
	var known *sqlerr.Error
	text := sc.Text[sc.Span.Start:sc.Span.End]
	_, original := c.compiler.parser.Parse(string(text))
	switch {
	case errors.As(original, &known):
		if known.Position > 0 {
			known = known.WithPosition(known.Position + utf8.RuneCount(sc.Text[:sc.Span.Start]))
		}
	case errors.As(err, &known):
		known = known.WithPosition(0)
	default:
		known = sqlerr.Internal(err)
	}
	return blocked(known)
}

// rejecting is a template that rejects whatever the hint.
func rejecting(err *sqlerr.Error) *compiled { return &compiled{failure: err, write: true} }

// blocked is a template that rejects unless a key hint says where it runs.
func blocked(err *sqlerr.Error) *compiled { return &compiled{blocked: err, write: true} }
