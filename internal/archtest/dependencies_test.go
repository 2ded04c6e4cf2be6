package archtest

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDependenciesAreExplained: docs/dependencies.md lists the modules used
// directly, tools included, with the versions in use.
func TestDependenciesAreExplained(t *testing.T) {
	want := direct(t, "go.mod")
	maps.Copy(want, direct(t, "tools/go.mod"))
	content, err := os.ReadFile(filepath.Join(moduleRoot, "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (v\\S+) \\| [^|]+ \\| [^|]+ \\|$")
	for _, match := range row.FindAllStringSubmatch(string(content), -1) {
		got[match[1]] = match[2]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/dependencies.md lists other modules: -go.mod +document\n%s", diff)
	}
}

// direct lists the modules a go.mod requires directly or for its tools.
func direct(t *testing.T, file string) map[string]string {
	t.Helper()
	path := filepath.Join(moduleRoot, file)
	if _, err := os.Stat(path); err != nil { // and "go test" knows we depend on it
		t.Fatal(err)
	}
	output, err := exec.Command("go", "mod", "edit", "-json", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		Require []struct {
			Path, Version string
			Indirect      bool
		}
		Tool []struct{ Path string }
	}
	if err := json.Unmarshal(output, &parsed); err != nil {
		t.Fatal(err)
	}
	modules := map[string]string{}
	for _, required := range parsed.Require {
		used := !required.Indirect
		for _, tool := range parsed.Tool {
			used = used || tool.Path == required.Path || strings.HasPrefix(tool.Path, required.Path+"/")
		}
		if used {
			modules[required.Path] = required.Version
		}
	}
	return modules
}
