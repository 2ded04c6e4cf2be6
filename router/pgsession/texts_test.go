package pgsession

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A text of the client may end in a comment; what follows it is a command of its
// own all the same.
func TestPreludeEndsComments(t *testing.T) {
	tx := txn{txOptions: txOptions{begin: "BEGIN"}, replay: []string{"SAVEPOINT s -- mine", "SET LOCAL x = 1"}}
	want := "BEGIN\n;SAVEPOINT s -- mine\n;SET LOCAL x = 1\n;"
	if got := string(tx.appendPrelude(nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What happened before a transaction does not count as part of it.
func TestTransactionStartsAfresh(t *testing.T) {
	tx := newTxn()
	tx.wrote = true
	tx.touched.add(3)
	tx.start("BEGIN", noVars(), false)
	if tx.wrote || len(tx.touched.partitions) > 0 {
		t.Errorf("wrote %v, touched %v", tx.wrote, tx.touched.partitions)
	}
}

// A role is given up first and taken on last: it may lack the right to change
// the rest.
func TestDifferenceOfIdentity(t *testing.T) {
	set := func(pairs ...string) *vars {
		v := noVars()
		for i := 0; i < len(pairs); i += 2 {
			v = v.with(variable{name: pairs[i], value: pairs[i+1]})
		}
		return v
	}
	tests := []struct {
		from, to *vars
		want     string
		confirm  bool
	}{
		{set(), set("role", "'a'", "search_path", "'x'"), `SET "search_path" TO 'x';SET "role" TO 'a';`, true},
		{set("role", "'a'", "work_mem", "'1'"), set(), `RESET "role";RESET "work_mem";`, true},
		{set("role", "'a'"), set("role", "'b'"), `RESET "role";SET "role" TO 'b';`, true},
		{set("role", "'a'"), set("role", "'a'", "work_mem", "'1'"), `RESET "role";SET "work_mem" TO '1';SET "role" TO 'a';`, true},
		{set("role", "'a'"), set("role", "'a'", "lock_timeout", "'1'"), `SET "lock_timeout" TO '1';`, false},
		{
			set("role", "'a'"), set("role", "'b'", "session_authorization", "'c'", "session_replication_role", "'replica'"),
			`RESET "role";SET "session_replication_role" TO 'replica';SET "session_authorization" TO 'c';SET "role" TO 'b';`, true,
		},
	}
	for _, tt := range tests {
		sql, confirm := appendDifference(nil, tt.from, tt.to)
		if string(sql) != tt.want || confirm != tt.confirm {
			t.Errorf("from %q to %q:\n got %s %v\nwant %s %v", tt.from.key, tt.to.key, sql, confirm, tt.want, tt.confirm)
		}
	}
}

// The planner looks for tables where the server does: "$user" is the role.
func TestSearchPathOfRole(t *testing.T) {
	cfg := testConfig(oneTable(1))
	cfg.searchPath = `"$user", public`
	m := newMachine(cfg, noVars(), nil)
	keys := map[string]bool{m.env.SearchPathKey: true}
	for _, step := range []struct {
		items []variable
		want  []string
	}{
		{nil, []string{"u", "public"}},
		{[]variable{{name: "session_authorization", value: "'other'"}}, []string{"other", "public"}},
		{[]variable{{name: "role", value: "'tenant'"}}, []string{"tenant", "public"}},
		{[]variable{{name: "role", value: "'none'"}}, []string{"other", "public"}},
	} {
		m.vars = m.vars.with(step.items...)
		m.settingsChanged()
		if diff := cmp.Diff(step.want, m.env.SearchPath); diff != "" {
			t.Errorf("%v (-want +got):\n%s", step.items, diff)
		}
		keys[m.env.SearchPathKey] = true
	}
	if len(keys) != 3 {
		t.Errorf("plans would be shared: %v", keys)
	}
}

// All words that servers take for false change how strings are read.
func TestBackslashesByAnyWord(t *testing.T) {
	for _, reported := range []map[string]string{nil, {"standard_conforming_strings": "on"}, {"standard_conforming_strings": "off"}} {
		m := newMachine(testConfig(oneTable(1)), noVars(), reported)
		if want := reported["standard_conforming_strings"] == "off"; m.env.Backslash != want {
			t.Errorf("server says %v: %v", reported, m.env.Backslash)
		}
		for word, off := range map[string]bool{
			"off": true, "OFF": true, "of": true, "false": true, "f": true, "no": true, "n": true, "0": true,
			"on": false, "true": false, "1": false, "yes": false,
		} {
			m.vars = noVars().with(variable{name: "standard_conforming_strings", value: quoteLiteral(word)})
			m.settingsChanged()
			if m.env.Backslash != off {
				t.Errorf("%s: %v", word, m.env.Backslash)
			}
		}
	}
}

// Statements on which the session has to act are not hidden in a longer text.
func TestWatchedStatementsStandAlone(t *testing.T) {
	for text, joined := range map[string]bool{
		"SELECT 1; SELECT 2":                                    true,
		"SELECT a FROM t WHERE user_id = 1; SELECT 2":           true,
		"SELECT 1; SELECT pg_advisory_lock(1)":                  false,
		"SELECT 1; SELECT set_config('work_mem', '1MB', false)": false,
		"SELECT 1; CREATE TEMP TABLE x (a int)":                 false,
		"SELECT lastval(); SELECT 1":                            false,
		"SELECT 1; DECLARE c CURSOR FOR SELECT 1":               false,
		"SELECT 1; EXPLAIN SELECT 1":                            false,
		"SELECT a FROM t WHERE user_id = 1; NOTIFY x":           false,
		"SELECT 1; SELECT pg_advisory_xact_lock(1)":             false,
		"SELECT 1; SET work_mem = '1MB'":                        false,
		"SELECT a FROM t WHERE user_id = 1; SELECT 1; SELECT 2": true,
	} {
		m := newMachine(testConfig(oneTable(1)), noVars(), nil)
		m.planScript([]byte(text))
		if got := len(m.script.steps) == 1; got != joined {
			t.Errorf("%s: joined %v, want %v", text, got, joined)
		}
	}
}

// What follows a change of settings in one text is planned with them.
func TestStepsFollowSettings(t *testing.T) {
	m := newMachine(testConfig(oneTable(2)), noVars(), nil)
	m.planScript([]byte("SET shardproxy.key = 'user:1'; SELECT 1; SET standard_conforming_strings = off; SELECT 2"))
	st := &m.script.steps[1]
	if err := m.renewStep(st); err != nil {
		t.Fatal(err)
	}
	m.vars = m.vars.with(variable{name: "shardproxy.key", value: "'user:1'"})
	m.settingsChanged()
	if err := m.renewStep(st); err != nil || st.hint != "user:1" {
		t.Errorf("hint %q, error %v", st.hint, err)
	}
	m.vars = m.vars.with(variable{name: "standard_conforming_strings", value: "'off'"})
	m.settingsChanged()
	if err := m.renewStep(&m.script.steps[3]); err == nil || err.SQLState != "0A000" {
		t.Errorf("strings are read differently, error %v", err)
	}
	if !m.tx.implicit || m.tx.status != txOpen {
		t.Error("the text is one transaction")
	}
}
