package pgsession

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shardproxy/protocol/pgwire"
)

func drawVars(t *rapid.T, label string) *vars {
	items := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) variable {
		return variable{
			name:  rapid.SampledFrom([]string{"a", "b", "c", "d", "role", "shardproxy.key"}).Draw(t, "name"),
			value: rapid.SampledFrom([]string{"'1'", "'2'"}).Draw(t, "value"),
		}
	}), 0, 6).Draw(t, label)
	return newVars(items)
}

// Applying the difference to one set gives the other.
func TestDifferenceLeadsToTheOtherSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := drawVars(t, "from"), drawVars(t, "to")
		sql, _ := appendDifference(nil, from, to)
		got := map[string]string{}
		for _, item := range from.items {
			if !ours(item.name) {
				got[item.name] = item.value
			}
		}
		applySettings(t, got, string(sql))
		want := map[string]string{}
		for _, item := range to.items {
			if !ours(item.name) {
				want[item.name] = item.value
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("after %q (-want +got):\n%s", sql, diff)
		}
	})
}

// applySettings runs SET "x" TO v; and RESET "x"; on a map.
func applySettings(t *rapid.T, settings map[string]string, sql string) {
	for len(sql) > 0 {
		var command string
		command, sql, _ = strings.Cut(sql, ";")
		if name, ok := strings.CutPrefix(command, "RESET "); ok {
			delete(settings, strings.ReplaceAll(name, `"`, ""))
			continue
		}
		assignment, ok := strings.CutPrefix(command, "SET ")
		name, value, found := strings.Cut(assignment, " TO ")
		if !ok || !found {
			t.Fatalf("no setting: %q", command)
		}
		settings[strings.ReplaceAll(name, `"`, "")] = value
	}
}

func TestVars(t *testing.T) {
	v := noVars().with(variable{name: "b", value: "'1'"}).with(variable{name: "a", value: "'2'"})
	if got := v.get("a"); got == nil || got.value != "'2'" {
		t.Errorf("a is %v", got)
	}
	if same := newVars([]variable{{name: "a", value: "'2'"}, {name: "b", value: "'1'"}}); !v.equal(same) {
		t.Error("the order of SETs must not matter")
	}
	if v.with(variable{name: "a", value: "'2'"}) != v {
		t.Error("nothing changed, but the set did")
	}
	if !v.without("a").without("b").equal(noVars()) {
		t.Error("nothing set is not equal to nothing left")
	}
	if v.custom() || !v.with(variable{name: "app.x"}).custom() || v.with(variable{name: "shardproxy.key"}).custom() {
		t.Error("custom settings are those with a dot that are not the proxy's")
	}
}

func TestOnlyHarmlessSettingsGoUnconfirmed(t *testing.T) {
	for name, want := range map[string]bool{
		"statement_timeout": false, "application_name": false,
		"search_path": true, "role": true, "row_security": true, "app.tenant": true, "datestyle": true,
	} {
		_, confirm := appendDifference(nil, noVars(), newVars([]variable{{name: name, value: "'x'"}}))
		if confirm != want {
			t.Errorf("%s: confirm %v, want %v", name, confirm, want)
		}
	}
}

func TestQuoteLiteralRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.StringMatching(`[ab'\\,. E]{0,8}`), 1, 4).Draw(t, "values")
		text := ""
		for i, v := range values {
			if i > 0 {
				text += ", "
			}
			text += quoteLiteral(v)
		}
		if diff := cmp.Diff(values, unquoteList(text)); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", text, diff)
		}
	})
}

func TestSplitIdentifiers(t *testing.T) {
	tests := map[string][]string{
		`"$user", public`:       {"$user", "public"},
		`a,b , "C d", "e""f"`:   {"a", "b", "C d", `e"f`},
		`Public`:                {"public"},
		``:                      nil,
		`""`:                    nil,
		`"a, b"`:                {"a, b"},
		` spaced ,"quoted" ,x `: {"spaced", "quoted", "x"},
	}
	for text, want := range tests {
		if diff := cmp.Diff(want, splitIdentifiers(text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestAbsorb(t *testing.T) {
	tests := []struct {
		name, text string
		known      bool
	}{
		{"statement_timeout", "15000ms", true},
		{"statement_timeout", "15s", true},
		{"statement_timeout", "0", true},
		{"lock_timeout", "10 min", true},
		{"statement_timeout", "2147483647", true},
		{"statement_timeout", "2147483648", false},
		{"statement_timeout", "25d", false},
		{"statement_timeout", "-1", false},
		{"statement_timeout", "1.5s", false},
		{"statement_timeout", "x", false},
		{"statement_timeout", "", false},
		{"application_name", "anything'\\", true},
		{"extra_float_digits", "3", true},
		{"extra_float_digits", "4", false},
		{"work_mem", "4MB", false},
		{"search_path", "public", false},
	}
	for _, tt := range tests {
		if _, known := absorb(tt.name, tt.text); known != tt.known {
			t.Errorf("%s = %q: known %v, want %v", tt.name, tt.text, known, tt.known)
		}
	}
}

func TestCleanName(t *testing.T) {
	long := "0123456789012345678901234567890123456789012345678901234567890123456789"
	for text, want := range map[string]string{"app": "app", "a\tb": "a?b", "é": "??", long: long[:63]} {
		if got := cleanName(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A RESET that a server runs is followed by what the client said at its login, in
// either protocol; the client sees its RESET alone.
func TestResetToLogin(t *testing.T) {
	for _, sql := range []string{"RESET work_mem", "RESET ALL"} {
		for protocol, send := range map[string][]byte{
			"simple":   pgwire.AppendQuery(nil, sql),
			"extended": append(group(sql), syncMessage()...),
		} {
			r := newRig(t, testConfig(oneTable(1)))
			r.m.base = noVars().with(variable{name: "work_mem", value: "'7'"})
			r.m.vars = r.m.base
			r.run(pgwire.AppendQuery(nil, "BEGIN"), pgwire.AppendQuery(nil, selectOne), pgwire.AppendQuery(nil, "SET work_mem TO '2'"))
			got := r.run(send)
			if n := count(got, "C "); n != 1 || count(got, "E ") > 0 {
				t.Errorf("%s, %s: %q", sql, protocol, got)
			}
			r.run(pgwire.AppendQuery(nil, "COMMIT")) // the rig compares what is known of the link with the server
			if server := r.first["pg-1"].settings.session["work_mem"]; server != "'7'" {
				t.Errorf("%s, %s: work_mem is %s on the server", sql, protocol, server)
			}
		}
	}
}
