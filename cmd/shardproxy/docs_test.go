package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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

// TestDeployedConfigurations: the samples can be served, and those of a cluster fit
// together.
func TestDeployedConfigurations(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(projectRoot, "deploy", "*.yaml"))
	if err != nil || len(names) < 4 {
		t.Fatalf("samples %v, %v", names, err)
	}
	ids, listens, founders := map[string]bool{}, map[string]bool{}, 0
	var joins [][]string
	for _, path := range names {
		name := filepath.Base(path)
		c, err := config.Parse(name, []byte(read(t, filepath.Join("deploy", name))), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, err := range checkSupported(c) {
			t.Errorf("%s: %v", name, err)
		}
		if !c.Peer.Clustered() {
			continue
		}
		ids[c.Peer.ID], listens[c.Admin.Listen] = true, true
		if c.Peer.Bootstrap {
			founders++
		} else {
			joins = append(joins, c.Peer.Join)
		}
	}
	if len(ids) != 3 || founders != 1 {
		t.Errorf("peers %v, of which %d make a cluster", ids, founders)
	}
	for _, join := range joins {
		for _, address := range join {
			if !listens[address] {
				t.Errorf("%s is the admin address of no peer: %v", address, listens)
			}
		}
	}
}

// TestUnit: the unit for systemd gives open transactions the time that the default
// configuration does, and starts what the image starts.
func TestUnit(t *testing.T) {
	unit := read(t, "deploy/shardproxy.service")
	const start = "serve --config /etc/shardproxy/shardproxy.yaml"
	if !strings.Contains(unit, "ExecStart=/usr/local/bin/shardproxy "+start+"\n") {
		t.Error("the unit starts something else")
	}
	var words []string
	for _, word := range strings.Fields(start) {
		words = append(words, strconv.Quote(word))
	}
	if want := "CMD [" + strings.Join(words, ", ") + "]"; !strings.Contains(read(t, "deploy/Containerfile"), want) {
		t.Errorf("the image does not start %s", want)
	}
	stop := regexp.MustCompile(`(?m)^TimeoutStopSec=(\d+)$`).FindStringSubmatch(unit)
	c, err := config.Parse("example.yaml", []byte(config.Example()), nil)
	if err != nil || stop == nil {
		t.Fatal(stop, err)
	}
	if limit, _ := strconv.Atoi(stop[1]); time.Duration(limit)*time.Second < c.Postgres.DrainTimeout+hurriedStop {
		t.Errorf("it is killed after %s s, and may drain for %s", stop[1], c.Postgres.DrainTimeout)
	}
	if !strings.Contains(unit, fmt.Sprintf("RestartPreventExitStatus=%d %d\n", exitUsage, exitConfig)) {
		t.Error("it is restarted when that cannot help")
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
