package main

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"shardproxy/internal/config"
)

// changedKeys lists the keys whose values differ between two configurations, in
// order: "databases.app.pool.max", "postgres.listen", "users.ada". Lists are one
// key, users go by their name. It shows no values, which may be secrets.
func changedKeys(old, next *config.Config) []string {
	a, b := *old, *next
	a.Users, b.Users = nil, nil
	var keys []string
	compareValues("", reflect.ValueOf(a), reflect.ValueOf(b), &keys)
	compareMaps("users", reflect.ValueOf(usersByName(old)), reflect.ValueOf(usersByName(next)), &keys,
		func(key string, a, b reflect.Value) {
			if !reflect.DeepEqual(a.Interface(), b.Interface()) {
				keys = append(keys, key)
			}
		})
	slices.Sort(keys)
	return keys
}

func usersByName(c *config.Config) map[string]config.User {
	users := make(map[string]config.User, len(c.Users))
	for _, u := range c.Users {
		users[u.Name] = u
	}
	return users
}

// compareValues goes into sections and maps of sections; everything else is one
// value.
func compareValues(key string, old, next reflect.Value, keys *[]string) {
	switch t := old.Type(); {
	case isSection(t):
		for i := range old.NumField() {
			compareValues(join(key, t.Field(i).Tag.Get("yaml")), old.Field(i), next.Field(i), keys)
		}
	case t.Kind() == reflect.Map && isSection(t.Elem()):
		compareMaps(key, old, next, keys, func(key string, a, b reflect.Value) { compareValues(key, a, b, keys) })
	case !reflect.DeepEqual(old.Interface(), next.Interface()) && !bothEmpty(old, next):
		*keys = append(*keys, key)
	}
}

// compareMaps calls both for what is in both maps.
func compareMaps(key string, old, next reflect.Value, keys *[]string, both func(key string, a, b reflect.Value)) {
	for _, name := range namesOf(old, next) {
		at := reflect.ValueOf(name)
		a, b := old.MapIndex(at), next.MapIndex(at)
		if a.IsValid() && b.IsValid() {
			both(join(key, name), a, b)
		} else {
			*keys = append(*keys, join(key, name))
		}
	}
}

// bothEmpty: a list that is absent and one that is empty mean the same.
func bothEmpty(a, b reflect.Value) bool {
	return (a.Kind() == reflect.Slice || a.Kind() == reflect.Map) && a.Len() == 0 && b.Len() == 0
}

// isSection: a struct of the configuration, not a value such as a secret.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() > 0 && t.Field(0).Tag.Get("yaml") != ""
}

func namesOf(maps ...reflect.Value) []string {
	var names []string
	for _, m := range maps {
		for _, key := range m.MapKeys() {
			names = append(names, key.String())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func join(key, name string) string { return strings.TrimPrefix(key+"."+name, ".") }

// reloadable matches the keys that a running process takes over. The names in
// them may have dots.
const reloadable = `^(users\..+|databases\..+\.pool\.[a-z_]+|log\.level|postgres\.max_client_conn|` +
	`postgres\.tls\.(cert|key|client_ca))$`

// canReload reports whether a running process can take over a new value.
func canReload(key string) bool { return regexp.MustCompile(reloadable).MatchString(key) }
