package integration

import (
	"slices"
	"testing"
)

// COPY TO STDOUT in the extended protocol is a plain server's; COPY FROM STDIN is
// refused before anything is asked for.
func TestCopyInExtendedProtocol(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	const insert = "Q INSERT INTO documents (id, user_id, title) VALUES (1, {a}, 'one'), (2, {b}, 'two') ON CONFLICT DO NOTHING"
	conversations := map[string][]string{}
	for name, sql := range map[string]string{
		"a query":     "COPY (SELECT id, title FROM documents WHERE user_id = {a}) TO STDOUT",
		"csv":         "COPY (SELECT id, title FROM documents WHERE user_id = {a}) TO STDOUT WITH (FORMAT csv, HEADER)",
		"constants":   "COPY (VALUES (1), (2)) TO STDOUT",
		"no rows":     "COPY (SELECT 1 WHERE false) TO STDOUT",
		"an error":    "COPY (SELECT 1/id FROM documents WHERE user_id = {a} AND id = 0 OR user_id = {a} AND 1/(id - 1) > 0) TO STDOUT",
		"a bad table": "COPY (SELECT nope FROM documents WHERE user_id = {a}) TO STDOUT",
	} {
		conversations[name] = []string{insert, "E " + sql, "S", "Q SELECT 1"}
		conversations[name+", described"] = []string{insert, "P c|" + sql, "d c", "B p|c", "D p", "X p", "S", "Q SELECT 1"}
		conversations[name+", in a pipeline"] = []string{insert, "E SELECT title FROM documents WHERE user_id = {b}", "E " + sql, "E SELECT 2", "S", "Q SELECT 1"}
		conversations[name+", in a block"] = []string{insert, "Q BEGIN", "E " + sql, "S", "E " + sql, "S", "Q COMMIT"}
		conversations[name+", twice"] = []string{insert, "Q BEGIN", "P c|" + sql, "B p|c", "X p", "X p", "S", "X p", "S", "Q COMMIT"}
	}
	s.alike(t, conversations)
	for _, sql := range []string{copyRows, copyRows + " WITH (FORMAT binary)", "COPY (SELECT 1) TO STDOUT WITH (FORMAT binary)"} {
		w := s.wire()
		got := w.hold("E "+sql, "S", `G 1\t1\tone\t1\n`, ".", "S", "Q SELECT 1")
		if codes := errorsIn(got); len(codes) != 1 || codes[0][:5] != "0A000" || !slices.Contains(got, "C SELECT 1") {
			t.Errorf("%s: %q", sql, got)
		}
	}
}
