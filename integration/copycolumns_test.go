package integration

import "testing"

// What is wrong with the columns of a COPY is said before the rows are asked for,
// in the words of a server.
func TestCopyColumns(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	const made = "CREATE TABLE made (id bigint, user_id bigint, twice bigint GENERATED ALWAYS AS (id * 2) STORED, \"Odd\" text)"
	do(t, connect(t, s.plain), made)
	do(t, s.connect(), made)
	conversations := map[string][]string{}
	for name, sql := range map[string]string{
		"unknown":                      "COPY documents (id, user_id, nope) FROM STDIN",
		"unknown, and without a key":   "COPY documents (nope) FROM STDIN",
		"another spelling":             "COPY documents (ID, \"User_id\") FROM STDIN",
		"a column of the system":       "COPY documents (id, user_id, ctid) FROM STDIN",
		"twice":                        "COPY documents (id, user_id, id) FROM STDIN",
		"the key twice":                "COPY documents (user_id, id, user_id) FROM STDIN",
		"twice, then unknown":          "COPY documents (user_id, user_id, nope) FROM STDIN",
		"unknown, then twice":          "COPY documents (user_id, nope, user_id) FROM STDIN",
		"unknown twice":                "COPY documents (nope, nope) FROM STDIN",
		"generated":                    "COPY made (id, user_id, twice) FROM STDIN",
		"generated twice":              "COPY made (twice, twice) FROM STDIN",
		"all but generated":            "COPY made FROM STDIN",
		"quoted":                       "COPY made (\"Odd\", id, user_id, odd) FROM STDIN",
		"unknown table":                "COPY nowhere (id) FROM STDIN",
		"unknown table in a schema":    "COPY public.nowhere (id) FROM STDIN",
		"unknown of a table to read":   "COPY documents (nope) TO STDOUT",
		"generated of a table to read": "COPY made (twice) TO STDOUT",
		"an option first":              "COPY documents (nope) FROM STDIN WITH (FORMAT csv)",
	} {
		conversations[name] = []string{"Q " + sql, `G 1\t{a}\tone\n`, ".", "Q SELECT 1"}
		conversations[name+", in a block"] = []string{"Q BEGIN", "Q " + sql, `G 1\t{a}\tone\n`, ".", "Q SELECT 1", "Q COMMIT"}
		conversations[name+", in a text"] = []string{"Q SELECT 1; " + sql + "; SELECT 2", `G 1\t{a}\tone\n`, ".", "Q SELECT 1"}
	}
	s.alike(t, conversations)
}
