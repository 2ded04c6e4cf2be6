package pgstartup

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/protocol/sqlerr"
)

func TestParseOptions(t *testing.T) {
	for _, c := range []struct {
		options string
		want    []Setting
		refused string
	}{
		{"", nil, ""},
		{"  \t\n ", nil, ""},
		{"-c a=b", []Setting{{"a", "b"}}, ""},
		{"-ca=b", []Setting{{"a", "b"}}, ""},
		{"--a=b", []Setting{{"a", "b"}}, ""},
		{"-c a=b --c=d", []Setting{{"a", "b"}, {"c", "d"}}, ""},
		{"--statement-timeout=5s", []Setting{{"statement_timeout", "5s"}}, ""},
		{"-c a=", []Setting{{"a", ""}}, ""},
		{"-c a=b=c", []Setting{{"a", "b=c"}}, ""},
		{`-c a=b\ c`, []Setting{{"a", "b c"}}, ""},
		{`-c\ a=b`, []Setting{{" a", "b"}}, ""},
		{`-c a=b\\c`, []Setting{{"a", `b\c`}}, ""},
		{`-c a=b\`, []Setting{{"a", "b"}}, ""},
		{`-c a=-1`, []Setting{{"a", "-1"}}, ""},
		{"-c a=b --", []Setting{{"a", "b"}}, ""},
		{"-c a=b -- c", nil, "invalid command-line argument for server process: --"},
		{"-c", nil, "invalid command-line argument for server process: -c"},
		{"-c a", nil, "-c a requires a value"},
		{"-c =b", nil, "-c =b requires a value"},
		{"--a", nil, "--a requires a value"},
		{"-B 100", nil, "invalid command-line argument for server process: -B"},
		{"-", nil, "invalid command-line argument for server process: -"},
		{"a=b", nil, "invalid command-line argument for server process: a=b"},
		{`\`, nil, "invalid command-line argument for server process: "},
	} {
		got, err := parseOptions(c.options)
		if c.refused != "" {
			e, ok := errors.AsType[*sqlerr.Error](err)
			if !ok || e.SQLState != "42601" || e.Message != c.refused || e.Severity != "FATAL" || e.Hint == "" {
				t.Errorf("%q: %v, want %q", c.options, err, c.refused)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.options, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.options, diff)
		}
	}
}
