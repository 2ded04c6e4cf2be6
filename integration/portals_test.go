package integration

import "testing"

// Whatever a portal has run, a second Execute says what a plain server says.
func TestPortalRunTwice(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	const bind = "Q SELECT title FROM documents WHERE user_id = {a}"
	conversations := map[string][]string{}
	for _, text := range []string{
		"BEGIN", "START TRANSACTION READ ONLY", "COMMIT", "ROLLBACK", "COMMIT AND CHAIN", "SAVEPOINT t", "RELEASE s", "ROLLBACK TO s",
		"SET work_mem = '2MB'", "SET LOCAL work_mem = '2MB'", "RESET work_mem", "RESET ALL", "SET TRANSACTION READ ONLY",
		"SHOW work_mem", "DEALLOCATE other", "DEALLOCATE ALL", "DISCARD PLANS", "DISCARD TEMP", "DISCARD ALL", "UNLISTEN *", "CLOSE ALL", "",
		"SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "SET statement_timeout = '9s'",
		"SELECT 1", "INSERT INTO documents (id, user_id) VALUES (1000, {a})", "UPDATE documents SET n = 1 WHERE user_id = {a} RETURNING n",
	} {
		for at, before := range map[string][]string{
			"alone":                nil,
			"in a block":           {"Q BEGIN", "Q SAVEPOINT s"},
			"in a block on a node": {"Q BEGIN", bind, "Q SAVEPOINT s"},
			"in a failed block":    {"Q BEGIN", "Q SAVEPOINT s", "Q SELECT nope"},
			"in a pipeline":        {"E SELECT title FROM documents WHERE user_id = {a}"},
			"behind BEGIN":         {"E BEGIN", "E SAVEPOINT s"},
		} {
			if text == "DISCARD ALL" && at == "in a pipeline" { // refused earlier
				continue
			}
			name := text + " " + at
			prepared := append([]string{"P other|SELECT 1", "S"}, before...)
			prepared = append(prepared, "P c|"+text)
			with := func(lines ...string) []string { return append(append([]string{}, prepared...), lines...) }
			conversations[name] = with("B p|c", "X p", "X p", "S", "X p", "S")
			conversations[name+", without a name"] = with("B |c", "X ", "X ", "S")
			conversations[name+", with a Sync between"] = with("B p|c", "X p", "S", "D p", "X p", "S")
			conversations[name+", with a Flush between"] = with("B p|c", "H", "X p", "H", "X p", "S")
			conversations[name+", with a statement between"] = with("B p|c", "X p", "E SELECT title FROM documents WHERE user_id = {b}", "X p", "S")
			conversations[name+", with a limit"] = with("B p|c", "X p|1", "X p|1", "X p", "S")
			conversations[name+", late"] = with("B p|c", "S", "X p", "X p", "S")
			if at != "in a failed block" { // there the server warns of what is left
				conversations[name+", bound twice"] = with("B p|c", "B q|c", "X p", "X q", "S")
			}
			conversations[name+", closed"] = with("B p|c", "X p", "C p", "B p|c", "X p", "S")
		}
	}
	conversations["a savepoint takes its portals with it"] = []string{
		"P c|SET work_mem = '2MB'", "Q BEGIN", "B before|c", "S", "Q SAVEPOINT s", "B p|c", "S", "Q SAVEPOINT t", "B q|c", "S",
		"Q RELEASE t", "B r|c", "S", "Q ROLLBACK TO s", "X p", "S", "Q ROLLBACK TO s", "X q", "S", "Q ROLLBACK TO s", "X r", "S", "Q ROLLBACK TO s", "X before", "S",
	}
	s.alike(t, conversations)
}
