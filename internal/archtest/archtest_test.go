package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const moduleRoot = "../.."

func TestImportsOnlyGoDown(t *testing.T) {
	packages := list(t)
	if len(packages) < 5 {
		t.Fatalf("go list found %d packages only: it looked in the wrong place", len(packages))
	}
	for _, violation := range table().violations(packages) {
		t.Error(violation)
	}
}

// list loads the imports of all packages of the module.
func list(t *testing.T) []imported {
	t.Helper()
	readDirectories(t)
	// A package that does not compile yet has imports all the same: -e.
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = moduleRoot
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []imported
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var p imported
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// readDirectories makes "go test" see what the result depends on: it does not
// know what a program it starts reads, and would repeat an old result.
func readDirectories(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(moduleRoot, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != moduleRoot && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDocumentShowsTheTable(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(moduleRoot, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	layerLine := regexp.MustCompile(`^[0-9]+ `)
	for line := range strings.Lines(string(content)) {
		if layerLine.MatchString(line) {
			got = append(got, strings.Join(strings.Fields(line), " "))
		}
	}
	if diff := cmp.Diff(table().lines(), got); diff != "" {
		t.Errorf("docs/architecture.md shows another table: -here +there\n%s", diff)
	}
}

func TestPlantedViolations(t *testing.T) {
	tests := []struct {
		name string
		in   imported
		want []string
	}{
		{"down", pkg("router/plan", "ring", "meta/topology", "fmt"), nil},
		{"commands import everything below", pkg("cmd/shardproxy", "router", "meta", "admin"), nil},
		{"internal packages may know each other", pkg("internal/pgserver/pgservertest", "internal/pgserver"), nil},
		{"movers share code", pkg("rebalance/postgres", "rebalance/move"), nil},
		{"bench imports anything", pkg("bench/run", "router", "meta", "bench/load"), nil},
		{"other modules", pkg("ring", "github.com/cespare/xxhash/v2", "shardproxyx/meta"), nil},
		{"up", pkg("ring", "router/plan"), []string{"ring imports router/plan: an arrow up, from layer 0 to 2"}},
		{"sideways", pkg("router/plan", "router/backend"), []string{"router/plan imports router/backend: both are in layer 2"}},
		{"between the three", pkg("router", "admin", "rebalance"), []string{
			"router imports admin: both are in layer 4",
			"router imports rebalance: both are in layer 4",
		}},
		{"data plane to Raft", pkg("router", "meta", "meta/topology"), []string{"router imports meta: router never imports meta"}},
		{"session to Raft", pkg("router/pgsession", "meta"), []string{"router/pgsession imports meta: router/* never imports meta"}},
		{"admin to Raft", pkg("admin", "meta"), []string{"admin imports meta: admin never imports meta"}},
		{"Raft to SQL", pkg("meta", "router/plan"), []string{"meta imports router/plan: meta never imports router/*"}},
		{"bench is a root", pkg("router", "bench/load"), []string{"router imports bench/load: imported by nobody"}},
		{"integration is a root", pkg("bench", "integration"), []string{"bench imports integration: imported by nobody"}},
		{"unknown package", pkg("router/mystery", "ring"), []string{"router/mystery is in no layer: add it to the table here and in docs/architecture.md"}},
		{"unknown import", pkg("router", "ring/mystery"), []string{"router imports ring/mystery: it is in no layer"}},
		{"clock in a pure package", pkg("ring", "time"), []string{"ring imports time: it is pure and has no clock, log, network or chance"}},
		{"network in a pure package", pkg("router/plan", "net/http"), []string{"router/plan imports net/http: it is pure and has no clock, log, network or chance"}},
		{"tests look up", imported{ImportPath: "shardproxy/ring", TestImports: []string{"shardproxy/router", "time"}}, nil},
		{"tests import no root", imported{ImportPath: "shardproxy/ring", XTestImports: []string{"shardproxy/integration"}}, []string{
			"the tests of ring import integration: imported by nobody",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := table().violations([]imported{test.in})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// pkg is a package of the module; names of the module's packages are given
// without its name.
func pkg(path string, imports ...string) imported {
	p := imported{ImportPath: "shardproxy/" + path}
	for _, name := range imports {
		if _, known := table().place(name); known || table().isRoot(name) || strings.HasSuffix(name, "/mystery") {
			name = "shardproxy/" + name
		}
		p.Imports = append(p.Imports, name)
	}
	return p
}
