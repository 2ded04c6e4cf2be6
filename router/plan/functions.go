package plan

import (
	_ "embed"
	"strings"
)

//go:embed data/postgres_functions.txt
var postgresFunctions string

// functionClass says what calling a function means for the place of a
// statement.
type functionClass uint8

// The classes; the sections of the data files have the same names.
const (
	functionUnknown         functionClass = iota // may do anything: needs a hint or a rule
	functionPure                                 // reads and changes nothing but its arguments
	functionAggregate                            // pure, over the rows of its level
	functionWindow                               // pure, over a window
	functionVolatile                             // pure, but two calls differ
	functionCatalog                              // reads the server's own catalogs
	functionSize                                 // one node's share of a size
	functionLastval                              // what the session drew from sequences
	functionSequence                             // draws from a sequence
	functionSetval                               // sets the counter of a sequence
	functionSessionLock                          // advisory locks of the session
	functionTransactionLock                      // advisory locks of the transaction
	functionSetConfig                            // changes a setting
	functionNotify                               // sends a notification
	functionNode                                 // acts on one server
)

// functionTable tells the class of built-in functions by lower-case name.
type functionTable struct {
	exact    map[string]functionClass
	prefixes map[string]functionClass
}

func sectionClass(section string) functionClass {
	switch section {
	case "pure":
		return functionPure
	case "aggregate":
		return functionAggregate
	case "window":
		return functionWindow
	case "volatile":
		return functionVolatile
	case "catalog":
		return functionCatalog
	case "size":
		return functionSize
	case "lastval":
		return functionLastval
	case "sequence":
		return functionSequence
	case "setval":
		return functionSetval
	case "session-lock":
		return functionSessionLock
	case "transaction-lock":
		return functionTransactionLock
	case "set-config":
		return functionSetConfig
	case "notify":
		return functionNotify
	case "node":
		return functionNode
	}
	return functionUnknown
}

// readFunctions reads a data file: sections of names, # begins a comment.
func readFunctions(data string) *functionTable {
	t := &functionTable{exact: make(map[string]functionClass), prefixes: make(map[string]functionClass)}
	class := functionUnknown
	for line := range strings.Lines(data) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if section, ok := strings.CutPrefix(line, "["); ok {
			class = sectionClass(strings.TrimSuffix(section, "]"))
			continue
		}
		for _, name := range strings.Fields(line) {
			if prefix, ok := strings.CutSuffix(name, "*"); ok {
				t.prefixes[prefix] = class
			} else {
				t.exact[name] = class
			}
		}
	}
	return t
}

// class returns the class of a built-in function.
func (t *functionTable) class(name string) functionClass {
	if class, ok := t.exact[name]; ok {
		return class
	}
	for prefix, class := range t.prefixes {
		if strings.HasPrefix(name, prefix) {
			return class
		}
	}
	return functionUnknown
}
