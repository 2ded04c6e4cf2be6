package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeepEntries(t *testing.T) {
	const contents = `;
; Archive created at 2026-01-01
2; 3079 16385 EXTENSION - citext 
3456; 0 0 COMMENT - EXTENSION citext 
215; 1259 16500 TABLE public users app
3460; 0 0 COMMENT public TABLE users app
`
	want := strings.Replace(contents, "3456; 0 0 COMMENT - EXTENSION citext \n", "", 1)
	if diff := cmp.Diff(want, keepEntries(contents)); diff != "" {
		t.Error(diff)
	}
}

func TestPlainSQL(t *testing.T) {
	const (
		object = "\n--\n-- Name: f(); Type: FUNCTION; Schema: public; Owner: app\n--\n\nCREATE FUNCTION f() AS $$\n\\restrict x\n\\unrestrict x\nSET transaction_timeout = 1;\n$$;\n"
		head   = "--\n-- PostgreSQL database dump\n--\n\n"
		sets   = "SET statement_timeout = 0;\n"
		tail   = "\n--\n-- PostgreSQL database dump complete\n--\n"
	)
	tests := map[string]struct{ in, want string }{
		"old":        {head + sets + object + tail, head + sets + object + tail + "\n"},
		"restricted": {head + "\\restrict KeY\n" + sets + object + tail + "\n\\unrestrict KeY\n\n", head + sets + object + tail + "\n"},
		"timeout":    {head + "\\restrict KeY\nSET transaction_timeout = 0;\n" + sets + object + tail + "\n\\unrestrict KeY\n", head + sets + object + tail + "\n"},
		"nothing":    {head + "\\restrict KeY\n" + sets + tail + "\n\\unrestrict KeY\n", head + sets + tail + "\n\n"},
	}
	for name, test := range tests {
		got, err := plainSQL(test.in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for name, bad := range map[string]string{
		"no end":         head + "\\restrict KeY\n" + object + tail,
		"something else": head + "\\restrict KeY\n" + object + "\n\\unrestrict KeY\nDROP TABLE users;\n",
		"another key":    head + "\\restrict KeY\n" + object + "\n\\unrestrict kEy\n",
	} {
		if _, err := plainSQL(bad); !errors.Is(err, errScript) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSettingsOf(t *testing.T) {
	tests := map[string]map[string]string{
		"postgres://u:p@h/db?sslmode=verify-full&sslrootcert=%2Fa%20b.pem": {"sslmode": "verify-full", "sslrootcert": "/a b.pem"},
		`host=h password='it\'s = secret' sslmode = require  dbname=x`:     {"host": "h", "password": "it's = secret", "sslmode": "require", "dbname": "x"},
		`password='' user=a\ b`: {"password": "", "user": "a b"},
		"":                      {},
	}
	for dsn, want := range tests {
		if diff := cmp.Diff(want, settingsOf(dsn)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", dsn, diff)
		}
	}
}

func TestEnviron(t *testing.T) {
	t.Setenv("PGHOSTADDR", "elsewhere")
	t.Setenv("PGSSLSNI", "0")
	env, err := environ("postgres://app:s3cret@[::1]:5433/db%20name?sslmode=require")
	if err != nil {
		t.Fatal(err)
	}
	all := "\n" + strings.Join(env, "\n") + "\n"
	for _, want := range []string{"PGHOST=::1", "PGPORT=5433", "PGUSER=app", "PGPASSWORD=s3cret", "PGDATABASE=db name", "PGSSLMODE=require", "PGSSLSNI=0", "LC_ALL=C"} {
		if !strings.Contains(all, "\n"+want+"\n") {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(all, "PGHOSTADDR") {
		t.Error("PGHOSTADDR is passed on")
	}
	if _, err := environ("postgres://app:s3cret@h:port/db"); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
}

func TestParseMajor(t *testing.T) {
	for output, want := range map[string]int{
		"pg_dump (PostgreSQL) 15.4 (Debian 15.4-1)\n": 15,
		"pg_dump (PostgreSQL) 18beta1\n":              18,
		"pg_restore (EnterpriseDB) 15.4\n":            0,
		"":                                            0,
	} {
		if got, ok := parseMajor(output); got != want || ok != (want > 0) {
			t.Errorf("%q: %d, %v", output, got, ok)
		}
	}
}
