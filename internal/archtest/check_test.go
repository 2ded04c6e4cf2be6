package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// imported is what "go list -json" says of a package.
type imported struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// violations says what breaks the table, one sentence each, sorted.
func (a architecture) violations(packages []imported) []string {
	var found []string
	complain := func(format string, args ...any) {
		found = append(found, fmt.Sprintf(format, args...))
	}
	for _, p := range packages {
		from, ours := a.local(p.ImportPath)
		if !ours {
			continue
		}
		if _, known := a.place(from); !known && !a.isRoot(from) {
			complain("%s is in no layer: add it to the table here and in docs/architecture.md", from)
			continue
		}
		for _, path := range p.Imports {
			if to, ours := a.local(path); ours {
				if reason := a.objection(from, to); reason != "" {
					complain("%s imports %s: %s", from, to, reason)
				}
			}
			if slices.Contains(a.pure, from) && matchesAny(a.impure, path) && !slices.Contains(a.excused, arrow{from, path}) {
				complain("%s imports %s: it is pure and has no clock, log, network or chance", from, path)
			}
		}
		// Tests may look up, but nobody builds on commands and end-to-end tests.
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			to, ours := a.local(path)
			if ours && to != from && (a.isRoot(to) && !a.isRoot(from) || strings.HasPrefix(to, "cmd/")) {
				complain("the tests of %s import %s: imported by nobody", from, to)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// objection says why an import is not allowed; "" means it is.
func (a architecture) objection(from, to string) string {
	if a.isRoot(to) {
		if a.isRoot(from) && root(from) == root(to) {
			return ""
		}
		return "imported by nobody"
	}
	for _, f := range a.forbidden {
		if matches(f.from, from) && matches(f.to, to) {
			return fmt.Sprintf("%s never imports %s", f.from, f.to)
		}
	}
	if a.isRoot(from) {
		return ""
	}
	of, _ := a.place(from)
	target, known := a.place(to)
	switch {
	case !known:
		return "it is in no layer"
	case target.number < of.number:
		return ""
	case target == of && strings.HasSuffix(of.entry, "/*"):
		return ""
	case target.number == of.number:
		return fmt.Sprintf("both are in layer %d", of.number)
	default:
		return fmt.Sprintf("an arrow up, from layer %d to %d", of.number, target.number)
	}
}

// place is the entry a package belongs to.
type place struct {
	number int
	entry  string
}

// place finds a package's entry: the exact one, else the longest "x/*".
func (a architecture) place(path string) (place, bool) {
	var best place
	known := false
	for _, l := range a.layers {
		for _, entry := range l.entries {
			if entry == path {
				return place{l.number, entry}, true
			}
			if matches(entry, path) && len(entry) > len(best.entry) {
				best, known = place{l.number, entry}, true
			}
		}
	}
	return best, known
}

// local cuts the module's name off; false for packages of others.
func (a architecture) local(path string) (string, bool) {
	return strings.CutPrefix(path, a.module+"/")
}

func (a architecture) isRoot(path string) bool { return slices.Contains(a.roots, root(path)) }

func root(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}

func matches(pattern, path string) bool {
	if below, wild := strings.CutSuffix(pattern, "/*"); wild {
		return strings.HasPrefix(path, below+"/")
	}
	return pattern == path
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, path) })
}

// lines are the table as docs/architecture.md shows it, blanks collapsed.
func (a architecture) lines() []string {
	var lines []string
	for _, l := range a.layers {
		words := append([]string{fmt.Sprint(l.number)}, l.entries...)
		if l.remark != "" {
			words = append(words, l.remark)
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}
