package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// schemaKey is one scalar key, or a list of scalars, as the documentation
// writes it: databases.NAME.nodes[].dsn.
type schemaKey struct {
	path string
	tag  reflect.StructTag
	kind reflect.Type
}

func (k schemaKey) shownDefault() string { return k.tag.Get("default") }

// generic replaces names and indexes by their placeholders.
func generic(key string) string {
	key = regexp.MustCompile(`\[[0-9]+\]`).ReplaceAllString(key, "[]")
	key = regexp.MustCompile(`^(databases)\.[^.\[]+`).ReplaceAllString(key, "$1.NAME")
	key = regexp.MustCompile(`\.(key_columns|functions)\.[^.\[]+`).ReplaceAllString(key, ".$1.NAME")
	return regexp.MustCompile(`\.tables\..+\.([a-z_]+(\[\])?)$`).ReplaceAllString(key, ".tables.NAME.$1")
}

// schema lists the keys of a type.
func schema(t reflect.Type, path string) []schemaKey {
	if _, scalar := scalarParser(reflect.New(t).Elem()); scalar {
		return []schemaKey{{path: path, kind: t}}
	}
	var keys []schemaKey
	switch t.Kind() {
	case reflect.Struct:
		for i, name := range fieldsOf(t) {
			below := schema(t.Field(i).Type, strings.TrimPrefix(path+"."+name, "."))
			if len(below) == 1 && below[0].tag == "" {
				below[0].tag = t.Field(i).Tag
			}
			keys = append(keys, below...)
		}
	case reflect.Map:
		keys = schema(t.Elem(), path+".NAME")
	case reflect.Slice:
		keys = schema(t.Elem(), path+"[]")
	}
	return keys
}

func TestTags(t *testing.T) {
	for _, key := range schema(reflect.TypeFor[Config](), "") {
		words := strings.Split(key.path, ".")
		for _, word := range words {
			if !regexp.MustCompile(`^([a-z][a-z0-9_]*(\[\])?|NAME(\[\])?)$`).MatchString(word) {
				t.Errorf("%s: a field without a yaml tag?", key.path)
			}
		}
		_, hasMin := key.tag.Lookup("min")
		_, hasMax := key.tag.Lookup("max")
		if hasMin != hasMax {
			t.Errorf("%s: min and max belong together", key.path)
		}
		if key.kind.Kind() == reflect.Int || key.kind.Kind() == reflect.Int64 {
			if !hasMin || key.tag.Get("default") == "" {
				t.Errorf("%s: a number needs a range and a default", key.path)
			}
		}
		for _, name := range []string{"min", "max"} {
			if text := key.tag.Get(name); text != "" {
				parse, _ := scalarParser(reflect.New(key.kind).Elem())
				if err := parse(text); err != nil {
					t.Errorf("%s: %s %q: %v", key.path, name, text, err)
				}
			}
		}
	}
}

// TestDocumentation: docs/configuration.md has a row for every key with its
// default, and for nothing else.
func TestDocumentation(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ shown, meaning string }
	rows := map[string]row{}
	line := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.*?) \\| (.+) \\|$")
	for _, match := range line.FindAllStringSubmatch(string(content), -1) {
		rows[match[1]] = row{match[2], match[3]}
	}
	for _, key := range schema(reflect.TypeFor[Config](), "") {
		want := ""
		if key.shownDefault() != "" {
			want = "`" + key.shownDefault() + "`"
		}
		got, found := rows[key.path]
		switch {
		case !found:
			t.Errorf("no row for %s (default %s)", key.path, want)
			continue
		case got.shown != want:
			t.Errorf("%s: default %q, the program has %q", key.path, got.shown, want)
		}
		delete(rows, key.path)
		for _, word := range strings.Split(key.tag.Get("oneof"), ",") {
			if word != "" && !strings.Contains(got.meaning, "`"+word+"`") {
				t.Errorf("%s: the word %s is not mentioned", key.path, word)
			}
		}
		if low, limited := key.tag.Lookup("min"); limited {
			between := regexp.MustCompile(`(^|\W)` + low + `( \(\w+\))? to ` + key.tag.Get("max") + `\W`)
			if !between.MatchString(got.meaning) {
				t.Errorf("%s: does not say %s to %s", key.path, low, key.tag.Get("max"))
			}
		}
	}
	for key := range rows {
		t.Errorf("a row for %s, which the program does not know", key)
	}
}
