package sqlscan

import "strings"

// keyword is what the word or punctuation before a token means for it. It
// names only what the shape depends on; every other word is plain.
type keyword uint8

const (
	plain keyword = iota

	// Punctuation.
	afterOpen     // "(", "[", or nothing yet
	afterComma    // ","
	afterDot      // "."
	afterCast     // "::"
	afterCall     // the ")" of what looks like a function call
	afterRow      // the ")" of a row of VALUES
	afterRowComma // the "," after such a row

	// Reserved words.
	kwOperand   // an operand follows: AND, CASE, THEN
	kwClause    // an operand follows, of a query, and a list of ordinals ends: SELECT, WHERE, LIMIT
	kwEnds      // a list of ordinals ends: UNION
	kwReturning // RETURNING
	kwFetch     // FETCH
	kwNot       // NOT
	kwIn        // IN
	kwAll       // ALL
	kwDistinct  // DISTINCT
	kwOn        // ON
	kwOrder     // ORDER, GROUP, and PARTITION, which is not reserved
	kwTo        // TO
	kwName      // a name follows: AS, COLLATE
	kwDo        // DO

	// Words that may be the name of something.
	kwInfix     // LIKE, ILIKE, BETWEEN: operators behind an operand
	kwOperator  // OPERATOR(schema.op)
	kwSimilar   // SIMILAR
	kwBy        // BY
	kwAt        // AT
	kwTime      // TIME
	kwZone      // ZONE
	kwFirst     // FIRST, NEXT
	kwValues    // VALUES
	kwModify    // INSERT, UPDATE, DELETE, MERGE
	kwConflict  // CONFLICT
	kwRollup    // ROLLUP, CUBE
	kwType      // a word with a number of its own in the grammar: VARCHAR(10), LOCALTIME(3)
	kwExtract   // EXTRACT
	kwPosition  // POSITION
	kwTableFunc // JSON_TABLE, XMLTABLE
	kwNames     // a function that takes names of objects: nextval
	kwReg       // a type whose values are names of objects: regclass

	// Combinations.
	kwAtTime     // AT TIME
	kwDistinctOn // DISTINCT ON
)

// keywordList is the words of each keyword.
var keywordList = [...]struct {
	kw    keyword
	words string
}{
	{kwOperand, "and or any some asymmetric symmetric both leading trailing case when then " +
		"else lateral placing variadic using join"},
	{kwClause, "select from where having limit offset for"},
	{kwEnds, "union intersect except window"},
	{kwReturning, "returning"},
	{kwFetch, "fetch"},
	{kwNot, "not"},
	{kwIn, "in"},
	{kwAll, "all"},
	{kwDistinct, "distinct"},
	{kwOn, "on"},
	{kwOrder, "order group partition"},
	{kwTo, "to"},
	{kwName, "as collate"},
	{kwDo, "do"},
	{kwInfix, "like ilike between"},
	{kwOperator, "operator"},
	{kwSimilar, "similar"},
	{kwBy, "by"},
	{kwAt, "at"},
	{kwTime, "time"},
	{kwZone, "zone"},
	{kwFirst, "first next"},
	{kwValues, "values"},
	{kwModify, "insert update delete merge"},
	{kwConflict, "conflict"},
	{kwRollup, "rollup cube"},
	{kwType, "bit char character dec decimal float interval national nchar numeric " +
		"precision timestamp varchar varying current_time current_timestamp " +
		"localtime localtimestamp"},
	{kwExtract, "extract"},
	{kwPosition, "position"},
	{kwTableFunc, "json_table xmltable"},
	{kwNames, "nextval currval setval set_config current_setting pg_get_serial_sequence " +
		"to_regclass to_regnamespace to_regoper to_regoperator to_regproc " +
		"to_regprocedure to_regrole to_regtype to_regcollation"},
	{kwReg, "regclass regcollation regconfig regdatabase regdictionary regnamespace " +
		"regoper regoperator regproc regprocedure regrole regtype"},
}

const (
	longestKeyword = len("pg_get_serial_sequence")
	keywordPlaces  = 512 // a power of two, several times the number of words
)

// keywordTable is a hash table with linear probing, see lookup: places holds
// the index of a word in words, 0 where there is none.
type keywordTable struct {
	places [keywordPlaces]uint8
	words  []keywordWord
}

type keywordWord struct {
	word string
	kw   keyword
}

var keywords = buildKeywords()

func buildKeywords() (t keywordTable) {
	t.words = make([]keywordWord, 1)
	for _, k := range keywordList {
		for _, word := range strings.Fields(k.words) {
			place := keywordHash([]byte(word))
			for t.places[place] != 0 {
				place = (place + 1) % keywordPlaces
			}
			t.places[place] = uint8(len(t.words))
			t.words = append(t.words, keywordWord{word, k.kw})
		}
	}
	return t
}

// keywordHash is the place of a word of at least two letters in the table.
func keywordHash(word []byte) uint {
	n := len(word)
	return (uint(word[0]) + uint(word[1])*25 + uint(word[n-1])*47 + uint(n)*81) % keywordPlaces
}

// lookup returns the keyword of a folded word.
func lookup(word []byte) keyword {
	if len(word) < 2 || len(word) > longestKeyword {
		return plain
	}
	place := keywordHash(word)
	for keywords.places[place] != 0 {
		if k := &keywords.words[keywords.places[place]]; k.word == string(word) {
			return k.kw
		}
		place = (place + 1) % keywordPlaces
	}
	return plain
}

// opening is what the first word of a statement says about it.
type opening uint8

const (
	opensOther   opening = iota // not strippable
	opensQuery                  // SELECT, VALUES, TABLE, WITH: also in parentheses
	opensModify                 // INSERT, UPDATE, DELETE, MERGE
	opensExplain                // EXPLAIN
)

// openingOf returns the opening of a folded word.
func openingOf(word []byte) opening {
	switch string(word) {
	case "select", "values", "table", "with":
		return opensQuery
	case "insert", "update", "delete", "merge":
		return opensModify
	case "explain":
		return opensExplain
	default:
		return opensOther
	}
}
