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
)

// TestDependenciesAreExplained: docs/dependencies.md lists every module that is
// used directly, tools included, and the versions in use.
func TestDependenciesAreExplained(t *testing.T) {
	used, all := requirements(t, "go.mod")
	toolsUsed, toolsAll := requirements(t, "tools/go.mod")
	maps.Copy(used, toolsUsed)
	maps.Copy(toolsAll, all)
	content, err := os.ReadFile(filepath.Join(moduleRoot, "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (v\\S+) \\| [^|]+ \\| [^|]+ \\|$")
	for _, match := range row.FindAllStringSubmatch(string(content), -1) {
		module, version := match[1], match[2]
		if toolsAll[module] != version {
			t.Errorf("docs/dependencies.md lists %s %s, go.mod has %q", module, version, toolsAll[module])
		}
		delete(used, module)
	}
	for module, version := range used {
		t.Errorf("docs/dependencies.md does not explain %s %s", module, version)
	}
}

// requirements lists the modules a go.mod requires directly or for its tools,
// and all it requires, with their versions.
func requirements(t *testing.T, file string) (used, all map[string]string) {
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
	used, all = map[string]string{}, map[string]string{}
	for _, required := range parsed.Require {
		all[required.Path] = required.Version
		direct := !required.Indirect
		for _, tool := range parsed.Tool {
			direct = direct || tool.Path == required.Path || strings.HasPrefix(tool.Path, required.Path+"/")
		}
		if direct {
			used[required.Path] = required.Version
		}
	}
	return used, all
}
