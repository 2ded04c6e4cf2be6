package pgservertest

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// composeService is what we use of the Compose file format.
type composeService struct {
	Image       string            `yaml:"image"`
	Environment map[string]string `yaml:"environment"`
	Command     []string          `yaml:"command"`
	Tmpfs       []string          `yaml:"tmpfs"`
	Ports       []string          `yaml:"ports"`
	Healthcheck struct {
		Test     []string `yaml:"test"`
		Interval string   `yaml:"interval"`
		Timeout  string   `yaml:"timeout"`
		Retries  int      `yaml:"retries"`
	} `yaml:"healthcheck"`
}

// TestComposeFile looks at the structure of docker-compose.test.yml, and that
// the DSNs in its comment are those of its services.
func TestComposeFile(t *testing.T) {
	content, err := os.ReadFile("../../../docker-compose.test.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Template composeService            `yaml:"x-postgres"`
		Services map[string]composeService `yaml:"services"`
	}
	if err := yaml.UnmarshalWithOptions(content, &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if len(file.Services) != 3 {
		t.Errorf("%d services", len(file.Services))
	}
	var want []string
	for i := 1; i <= 3; i++ {
		name := fmt.Sprintf("pg-%d", i)
		service, found := file.Services[name]
		if !found {
			t.Fatalf("no service %s", name)
		}
		checkService(t, name, service)
		if diff := cmp.Diff([]string{fmt.Sprintf("127.0.0.1:550%d:5432", i)}, service.Ports); diff != "" {
			t.Errorf("%s: ports -want +got\n%s", name, diff)
		}
		dsn := url.URL{
			Scheme: "postgres",
			User:   url.UserPassword(service.Environment["POSTGRES_USER"], service.Environment["POSTGRES_PASSWORD"]),
			Host:   strings.TrimSuffix(service.Ports[0], ":5432"),
			Path:   "/postgres",
		}
		want = append(want, dsn.String())
	}
	match := regexp.MustCompile(`(?m)^#\s+export ` + DSNsVariable + `=(\S+)$`).FindSubmatch(content)
	if match == nil || string(match[1]) != strings.Join(want, ",") {
		t.Errorf("the comment says %s, the services are %s", match, strings.Join(want, ","))
	}
	if _, err := parseDSNs(strings.Join(want, ","), 3); err != nil {
		t.Error(err)
	}
}

func checkService(t *testing.T, name string, service composeService) {
	t.Helper()
	version := regexp.MustCompile(`^\$\{POSTGRES_IMAGE:-postgres:(1[6-9]|[2-9][0-9])\}$`)
	if !version.MatchString(service.Image) {
		t.Errorf("%s: image %s is not PostgreSQL 16 or newer", name, service.Image)
	}
	if !strings.Contains(service.Environment["POSTGRES_INITDB_ARGS"], "scram-sha-256") {
		t.Errorf("%s: no SCRAM", name)
	}
	if len(service.Command) == 0 || service.Command[0] != "postgres" {
		t.Errorf("%s: command %v", name, service.Command)
	}
	check := service.Healthcheck
	if !slices.Contains(check.Test, "pg_isready") || check.Interval == "" || check.Timeout == "" || check.Retries == 0 {
		t.Errorf("%s: healthcheck %+v", name, check)
	}
}
