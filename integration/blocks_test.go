package integration

import "testing"

// BEGIN with options in an open block warns and sets them, as SET TRANSACTION
// does, with its errors; before the transaction has a node and behind that.
func TestBeginInBlock(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	const bind = "Q SELECT title FROM documents WHERE user_id = {a}"
	shown := []string{"Q SHOW transaction_isolation", "Q SHOW transaction_read_only", "Q SHOW transaction_deferrable"}
	conversations := map[string][]string{}
	for options, text := range map[string]string{
		"isolation":     "BEGIN ISOLATION LEVEL SERIALIZABLE",
		"same":          "BEGIN ISOLATION LEVEL READ COMMITTED",
		"read only":     "START TRANSACTION READ ONLY",
		"read write":    "BEGIN READ WRITE",
		"deferrable":    "BEGIN DEFERRABLE",
		"all":           "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY, NOT DEFERRABLE",
		"none":          "BEGIN",
		"set isolation": "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
		"set write":     "SET TRANSACTION READ WRITE",
	} {
		for at, before := range map[string][]string{
			"at once":               nil,
			"behind a node":         {bind},
			"behind a query":        {"Q SELECT 1"},
			"behind another's read": {"Q SELECT count(*) FROM documents"},
			"behind a Parse":        {"P s|SELECT 1", "S"},
			"in a savepoint":        {"Q SAVEPOINT s"},
			"in both":               {bind, "Q SAVEPOINT s"},
			"behind a SHOW":         {"Q SHOW work_mem"},
			"behind an error":       {"Q SELECT nope"},
		} {
			for first, begin := range map[string]string{"": "Q BEGIN", ", read only": "Q BEGIN READ ONLY"} {
				lines := append(append([]string{begin}, before...), "Q "+text)
				conversations[options+" "+at+first] = append(append([]string{}, lines...), shown...)
				conversations[options+" "+at+first+", then a node"] = append(append(append([]string{}, lines...), bind), shown...)
				extended := append(append([]string{begin}, before...), "E "+text, "S")
				conversations[options+" "+at+first+", extended"] = append(extended, shown...)
				pipeline := append(append([]string{}, before...), "E BEGIN", "E "+text, "E SELECT title FROM documents WHERE user_id = {b}", "S")
				conversations[options+" "+at+first+", in a pipeline"] = append(append(pipeline, shown...), "Q COMMIT")
			}
		}
	}
	for name, text := range map[string]string{
		"a text":                           "BEGIN; BEGIN READ ONLY; SHOW transaction_read_only",
		"a text with a node":               "BEGIN; SELECT title FROM documents WHERE user_id = {a}; BEGIN READ ONLY; SHOW transaction_read_only",
		"a text that becomes a block":      "SELECT 1; BEGIN READ ONLY",
		"a text whose node becomes one":    "SELECT title FROM documents WHERE user_id = {a}; BEGIN READ ONLY",
		"a text that starts one":           "SELECT title FROM documents WHERE user_id = {a}; START TRANSACTION READ ONLY",
		"a text that is too late":          "SELECT title FROM documents WHERE user_id = {a}; BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1",
		"a text that is too late, no node": "SELECT 1; BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1",
		"options ahead of the block":       "SET TRANSACTION READ ONLY; BEGIN; SHOW transaction_read_only",
		"options on both sides":            "SET TRANSACTION READ ONLY; BEGIN ISOLATION LEVEL SERIALIZABLE; SHOW transaction_read_only",
	} {
		conversations[name] = append([]string{"Q " + text}, shown...)
		conversations[name+", then a node"] = append([]string{"Q " + text, bind}, shown...)
	}
	conversations["chained"] = append([]string{"Q BEGIN", "Q BEGIN READ ONLY", bind, "Q COMMIT AND CHAIN"}, shown...)
	conversations["chained from the node"] = append([]string{"Q BEGIN", bind, "Q BEGIN READ ONLY", "Q COMMIT AND CHAIN"}, shown...)
	s.alike(t, conversations)
}
