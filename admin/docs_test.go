package admin

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocumented: docs/admin-api.md has every request and every code, and no
// others.
func TestDocumented(t *testing.T) {
	content, err := os.ReadFile("../docs/admin-api.md")
	if err != nil {
		t.Fatal(err)
	}
	manual := string(content)
	there := map[string]bool{}
	_, o := newGroup(t).join("p1")
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.paths() {
		for _, m := range p.methods {
			there[m.name+" "+p.pattern] = true
		}
	}
	listed := map[string]bool{}
	for _, request := range regexp.MustCompile("`((?:GET|POST|PUT|DELETE) /[^`?]*)").FindAllStringSubmatch(manual, -1) {
		listed[request[1]] = true
	}
	for request := range there {
		if !listed[request] {
			t.Errorf("%s is not documented", request)
		}
	}
	for request := range listed {
		if !there[request] {
			t.Errorf("%s is documented and not there", request)
		}
	}
	source, err := os.ReadFile("problem.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range regexp.MustCompile(`Code = "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		if row := fmt.Sprintf("| `%s` | %d |", code[1], Code(code[1]).status()); !strings.Contains(manual, row) {
			t.Errorf("the row %q is missing", row)
		}
	}
}
