package config

import (
	"reflect"
	"slices"
	"strings"
)

// prefix of all environment variables of the program.
const prefix = "SHARDPROXY_"

// variable is the environment variable that overrides a key.
func variable(key string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// environment applies the variables that override scalar keys outside lists
// and maps. A variable that looks like one of them misspelt is a problem;
// others with the prefix are not ours to judge (Kubernetes makes
// SHARDPROXY_SERVICE_HOST for a service of the name shardproxy).
func (r *report) environment(environ []string, config *Config) {
	type target struct {
		key string
		v   reflect.Value
	}
	targets := map[string]target{}
	var names []string
	root := reflect.ValueOf(config).Elem()
	for i, section := range fieldsOf(root.Type()) {
		if root.Field(i).Kind() != reflect.Struct {
			continue // users and databases
		}
		walk(section, root.Field(i), "", func(key string, v reflect.Value, _ reflect.StructTag) {
			if !strings.Contains(key, "[") {
				targets[variable(key)] = target{key, v}
				names = append(names, variable(key))
			}
		})
	}
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if target, known := targets[name]; known {
			r.sources[target.key] = name
			r.set(target.key, text, target.v)
		} else if best, found := nearest(name, names); found && distance(name, best) <= 2 {
			r.problems = append(r.problems, Problem{
				Where: "environment variable " + name,
				Text:  "unknown; did you mean " + best + "?",
			})
		}
	}
}
