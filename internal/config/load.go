package config

import (
	_ "embed" // for the example
	"fmt"
	"os"
	"path/filepath"
	"reflect"
)

// Load reads the configuration file at path and the overrides in environ
// (os.Environ). What is wrong with them is an *Error; a file that cannot be
// read is the error of the system.
func Load(path string, environ []string) (*Config, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return Parse(filepath.Base(path), content, environ)
}

// Parse is Load for content that is at hand; file names it in errors.
func Parse(file string, content []byte, environ []string) (*Config, error) {
	r := &report{file: file, lines: map[string]int{}, sources: map[string]string{}}
	c := &Config{}
	r.defaults(reflect.ValueOf(c).Elem())
	if !r.decode(content, c) {
		return nil, r.err() // everything else would only follow from it
	}
	r.environment(environ, c)
	r.validate(c)
	if err := r.err(); err != nil {
		return nil, err
	}
	return c, nil
}

//go:embed example.yaml
var example string

// Example is a complete configuration file with comments.
func Example() string { return example }
