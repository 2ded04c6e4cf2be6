package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/internal/config"
)

const projectRoot = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(projectRoot, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestDocumentedConfiguration: the README's example can be served.
func TestDocumentedConfiguration(t *testing.T) {
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(read(t, "README.md"))
	if block == nil {
		t.Fatal("the README has no configuration")
	}
	for name, text := range map[string]string{"README.md": block[1], "example.yaml": config.Example()} {
		c, err := config.Parse(name, []byte(text), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, err := range checkSupported(c) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDocumentedExitCodes: the README and the help agree with the code.
func TestDocumentedExitCodes(t *testing.T) {
	readme, help := read(t, "README.md"), newRootCommand().Long
	for _, code := range []int{exitOK, exitFailed, exitUsage, exitConfig, exitNodes, exitForced} {
		for name, text := range map[string]string{"README.md": "| %d | ", "help": "\n  %d  "} {
			in := map[string]string{"README.md": readme, "help": help}[name]
			if want := strings.Replace(text, "%d", string(rune('0'+code)), 1); !strings.Contains(in, want) {
				t.Errorf("%s does not explain exit code %d", name, code)
			}
		}
	}
}

// TestDocumentedMetrics: operations.md lists the metrics there are.
func TestDocumentedMetrics(t *testing.T) {
	name := regexp.MustCompile(`\bshardproxy_[a-z_]+`)
	there := namesIn(name, regexp.MustCompile(`(?m)^# TYPE \S+`), read(t, "internal/metrics/testdata/exposition.txt"))
	listed := namesIn(name, regexp.MustCompile(`(?m)^\| .shardproxy_[^|]*\|`), read(t, "docs/operations.md"))
	if diff := cmp.Diff(there, listed); diff != "" {
		t.Errorf("-there +listed\n%s", diff)
	}
}

// namesIn are the names in the parts of a text that match, in order.
func namesIn(name, part *regexp.Regexp, text string) []string {
	names := name.FindAllString(strings.Join(part.FindAllString(text, -1), " "), -1)
	slices.Sort(names)
	return slices.Compact(names)
}

// TestDocumentedLinks: the pages that the README names are there.
func TestDocumentedLinks(t *testing.T) {
	for _, page := range []string{"README.md", "docs/operations.md"} {
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(read(t, page), -1) {
			if _, err := os.Stat(filepath.Join(projectRoot, filepath.Dir(page), link[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, link[1])
			}
		}
	}
}
