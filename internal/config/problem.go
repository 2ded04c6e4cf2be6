package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong with a configuration.
type Problem struct {
	// Where is file:line, or the environment variable.
	Where string
	// Line is 0 when the problem is in no line of the file.
	Line int
	// Key is the path of the key: databases.app.nodes[1].dsn.
	Key string
	// Text says what is wrong and what would be right. It never holds a secret.
	Text string
}

func (p Problem) String() string {
	if p.Key == "" {
		return p.Where + ": " + p.Text
	}
	return p.Where + ": " + p.Key + ": " + p.Text
}

// Error is everything wrong with a configuration.
type Error struct {
	// Problems in the order of the file, then those of the environment.
	Problems []Problem
}

// Error has one line per problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, problem := range e.Problems {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// report collects problems and remembers where each value came from.
type report struct {
	file     string
	lines    map[string]int    // by key
	sources  map[string]string // environment variables, by key
	problems []Problem
}

// at adds a problem of a key, located where the key's value, or the nearest
// section around it, was written.
func (r *report) at(key, format string, args ...any) {
	problem := Problem{Where: r.file, Key: key, Text: fmt.Sprintf(format, args...)}
	if variable, found := r.sources[key]; found {
		problem.Where = "environment variable " + variable
	} else if line := r.lineOf(key); line > 0 {
		problem.Line = line
		problem.Where = fmt.Sprintf("%s:%d", r.file, line)
	}
	r.problems = append(r.problems, problem)
}

func (r *report) lineOf(key string) int {
	for {
		if line, found := r.lines[key]; found || key == "" {
			return line
		}
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
}

// err is nil when nothing is wrong.
func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		switch { // without a line last
		case a.Line == b.Line:
			return 0
		case a.Line == 0:
			return 1
		case b.Line == 0:
			return -1
		}
		return a.Line - b.Line
	})
	return &Error{Problems: slices.Compact(r.problems)}
}
