package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxFileSize bounds what is parsed.
const maxFileSize = 8 << 20

// decode reads YAML into out, a pointer to a struct with yaml tags. It takes
// the plain part of YAML: mappings, lists and scalars; anchors, aliases, merge
// keys and tags are refused. It returns false when the file as a whole cannot
// be read.
func (r *report) decode(content []byte, out any) bool {
	if len(content) > maxFileSize {
		r.at("", "the file has %d bytes; more than %v cannot be a configuration", len(content), Size(maxFileSize))
		return false
	}
	file, err := parse(content)
	if err != nil {
		r.syntax(err)
		return false
	}
	var documents []ast.Node
	for _, document := range file.Docs {
		if document.Body != nil {
			documents = append(documents, document.Body)
		}
	}
	if len(documents) > 1 {
		r.note("", documents[1])
		r.at("", "a second YAML document begins here; only one is read")
		return false
	}
	if len(documents) == 1 {
		r.value("", documents[0], reflect.ValueOf(out).Elem())
	}
	return true
}

var errNotYAML = errors.New("this is not YAML")

// parse turns a panic of the parser, a third party's, into an error: no file
// may bring a reload down.
func parse(content []byte) (file *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			file, err = nil, errNotYAML
		}
	}()
	return parser.ParseBytes(content, 0)
}

// syntax reports what the parser said, without the lines of the file it would
// quote: they may hold passwords.
func (r *report) syntax(err error) {
	var syntaxError *yaml.SyntaxError
	if errors.As(err, &syntaxError) && syntaxError.Token != nil {
		r.lines[""] = syntaxError.Token.Position.Line
		r.at("", "%s", syntaxError.Message)
		return
	}
	r.at("", "%v", errNotYAML)
}

// note remembers the line of a key.
func (r *report) note(key string, node ast.Node) {
	if at := node.GetToken(); at != nil && at.Position != nil {
		r.lines[key] = at.Position.Line
	}
}

// value decodes one node into a settable value.
func (r *report) value(key string, node ast.Node, into reflect.Value) {
	if _, scalar := scalarParser(into); scalar {
		r.scalar(key, node, into)
		return
	}
	if _, null := node.(*ast.NullNode); null {
		return // "tables:" with nothing behind it is an empty section
	}
	switch into.Kind() {
	case reflect.Struct:
		r.structure(key, node, into)
	case reflect.Map:
		r.mapping(key, node, into)
	case reflect.Slice:
		r.list(key, node, into)
	default:
		r.at(key, "the program cannot read a %v", into.Type())
	}
}

func (r *report) structure(key string, node ast.Node, into reflect.Value) {
	fields := fieldsOf(into.Type())
	r.entries(key, node, func(name, path string, entry *ast.MappingValueNode) {
		for i, field := range fields {
			if field == name {
				r.value(path, entry.Value, into.Field(i))
				return
			}
		}
		r.at(path, "%s", unknown("key", name, fields))
	})
}

func (r *report) mapping(key string, node ast.Node, into reflect.Value) {
	made := reflect.MakeMap(into.Type())
	r.entries(key, node, func(name, path string, entry *ast.MappingValueNode) {
		element := reflect.New(into.Type().Elem()).Elem()
		r.defaults(element)
		r.value(path, entry.Value, element)
		made.SetMapIndex(reflect.ValueOf(name), element)
	})
	into.Set(made)
}

func (r *report) list(key string, node ast.Node, into reflect.Value) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		r.at(key, "want a list, got %s", describe(node))
		return
	}
	made := reflect.MakeSlice(into.Type(), len(sequence.Values), len(sequence.Values))
	for i, item := range sequence.Values {
		path := fmt.Sprintf("%s[%d]", key, i)
		r.note(path, item)
		r.defaults(made.Index(i))
		r.value(path, item, made.Index(i))
	}
	into.Set(made)
}

// entries calls each for the pairs of a mapping, and refuses keys that come
// twice.
func (r *report) entries(key string, node ast.Node, each func(name, path string, entry *ast.MappingValueNode)) {
	var pairs []*ast.MappingValueNode
	switch mapping := node.(type) {
	case *ast.MappingNode:
		pairs = mapping.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{mapping}
	default:
		r.at(key, "want a section of keys, got %s", describe(node))
		return
	}
	seen := map[string]bool{}
	for _, pair := range pairs {
		name, ok := keyText(pair.Key)
		path := strings.TrimPrefix(key+"."+name, ".")
		if !ok {
			r.note(path, pair.Key)
			r.at(path, "want a plain key, got %s", describe(pair.Key))
			continue
		}
		if seen[name] {
			first := r.lines[path]
			r.note(path, pair.Key)
			r.at(path, "the key is already in line %d", first)
			continue
		}
		seen[name] = true
		r.note(path, pair.Key)
		each(name, path, pair)
	}
}

// keyText is the text of a plain key.
func keyText(node ast.MapKeyNode) (string, bool) {
	if node.IsMergeKey() {
		return "<<", false
	}
	if keyed, ok := node.(*ast.MappingKeyNode); ok { // "? key"
		return keyed.String(), false
	}
	return scalarText(node)
}

// scalarText is the text of a scalar as it was written, without its quotes.
func scalarText(node ast.Node) (string, bool) {
	switch scalar := node.(type) {
	case *ast.StringNode:
		return scalar.Value, true
	case *ast.LiteralNode:
		return scalar.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return node.GetToken().Value, true
	}
	return "", false
}

// quoted reports whether a scalar is text by its form.
func quoted(node ast.Node) bool {
	switch node.GetToken().Type {
	case token.SingleQuoteType, token.DoubleQuoteType, token.LiteralType, token.FoldedType:
		return true
	}
	return false
}

// describe names what stands in the place of something else, never its value.
func describe(node ast.Node) string {
	switch node.(type) {
	case *ast.NullNode:
		return "nothing"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a section of keys"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.AnchorNode, *ast.AliasNode:
		return "an anchor or alias, which are not supported"
	case *ast.MergeKeyNode:
		return "a merge key, which is not supported"
	case *ast.TagNode:
		return "a tag, which is not supported"
	}
	return "something else"
}

// unknown says that a word is not known, and which one may have been meant.
func unknown(what, word string, known []string) string {
	if best, found := nearest(word, known); found {
		return fmt.Sprintf("unknown %s; did you mean %q?", what, best)
	}
	return fmt.Sprintf("unknown %s; known here: %s", what, strings.Join(known, ", "))
}
