package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// fieldsOf lists the keys of a struct, by field.
func fieldsOf(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("yaml")
	}
	return names
}

// scalarParser returns what sets a value from text; false for sections, maps
// and lists. The errors never quote the text.
func scalarParser(into reflect.Value) (func(text string) error, bool) {
	if into.Type() == reflect.TypeFor[time.Duration]() {
		return func(text string) error {
			d, err := time.ParseDuration(text)
			if err != nil {
				return errors.New("want a duration with its unit, like 10s or 5m")
			}
			into.SetInt(int64(d))
			return nil
		}, true
	}
	if unmarshaler, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return func(text string) error { return unmarshaler.UnmarshalText([]byte(text)) }, true
	}
	switch into.Kind() {
	case reflect.String:
		return func(text string) error {
			into.SetString(text)
			return nil
		}, true
	case reflect.Bool:
		return func(text string) error {
			if text != "true" && text != "false" {
				return errors.New("want true or false")
			}
			into.SetBool(text == "true")
			return nil
		}, true
	case reflect.Int:
		return func(text string) error {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return errors.New("want a whole number")
			}
			into.SetInt(n)
			return nil
		}, true
	}
	return nil, false
}

func (r *report) scalar(key string, node ast.Node, into reflect.Value) {
	text, ok := scalarText(node)
	kind := into.Kind()
	number := kind == reflect.Bool || kind == reflect.Int
	switch {
	case !ok:
		r.at(key, "want a value, got %s", describe(node))
	case strings.ContainsRune(text, 0):
		r.at(key, "holds a NUL character")
	case number && quoted(node):
		r.at(key, "is text because of its quotes; write it without")
	default:
		r.set(key, text, into)
	}
}

// set parses a scalar that came from the file or the environment.
func (r *report) set(key, text string, into reflect.Value) {
	parse, _ := scalarParser(into)
	if err := parse(text); err != nil {
		r.at(key, "%v", err)
	}
}

// defaults fills a value from the default tags of its fields.
func (r *report) defaults(v reflect.Value) {
	if _, scalar := scalarParser(v); scalar || v.Kind() != reflect.Struct {
		return
	}
	for i := range v.NumField() {
		field, text := v.Field(i), v.Type().Field(i).Tag.Get("default")
		parse, scalar := scalarParser(field)
		switch {
		case text == "":
			r.defaults(field)
		case scalar:
			if err := parse(text); err != nil {
				r.at(v.Type().Field(i).Name, "bad default: %v", err)
			}
		default: // a list of words
			field.Set(reflect.ValueOf(strings.Split(text, ",")))
		}
	}
}

// walk calls visit for every scalar of v with its key and its struct tag
// (empty for items of lists and maps).
func walk(key string, v reflect.Value, tag reflect.StructTag, visit func(key string, v reflect.Value, tag reflect.StructTag)) {
	if !v.CanAddr() { // an element of a map
		addressable := reflect.New(v.Type()).Elem()
		addressable.Set(v)
		v = addressable
	}
	if _, scalar := scalarParser(v); scalar {
		visit(key, v, tag)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i, name := range fieldsOf(v.Type()) {
			walk(strings.TrimPrefix(key+"."+name, "."), v.Field(i), v.Type().Field(i).Tag, visit)
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			walk(key+"."+entries.Key().String(), entries.Value(), "", visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(fmt.Sprintf("%s[%d]", key, i), v.Index(i), "", visit)
		}
	}
}
