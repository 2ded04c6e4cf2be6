package sqlscan

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
	kwClause    // an operand follows, and a list of ordinals ends: WHERE, LIMIT
	kwEnds      // a list of ordinals ends: UNION
	kwSelect    // SELECT
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
	kwInfix    // LIKE, ILIKE, BETWEEN: operators behind an operand
	kwOperator // OPERATOR(schema.op)
	kwSimilar  // SIMILAR
	kwBy       // BY
	kwAt       // AT
	kwTime     // TIME
	kwZone     // ZONE
	kwFirst    // FIRST, NEXT
	kwValues   // VALUES
	kwModify   // INSERT, UPDATE, DELETE, MERGE
	kwConflict // CONFLICT
	kwRollup   // ROLLUP, CUBE
	kwType     // a word with a number of its own in the grammar: VARCHAR(10), LOCALTIME(3)
	kwExtract  // EXTRACT
	kwTable    // JSON_TABLE, XMLTABLE
	kwNames    // a function that takes names of objects: nextval
	kwReg      // a type whose values are names of objects: regclass

	// Combinations.
	kwAtTime     // AT TIME
	kwDistinctOn // DISTINCT ON
)

// lookup returns the keyword of a folded word.
func lookup(word []byte) keyword {
	if len(word) < 2 || len(word) > 22 {
		return plain
	}
	switch string(word) {
	case "and", "or", "any", "some", "asymmetric", "symmetric", "both",
		"leading", "trailing", "case", "when", "then", "else", "lateral",
		"placing", "variadic", "using", "join":
		return kwOperand
	case "from", "where", "having", "limit", "offset", "for":
		return kwClause
	case "union", "intersect", "except", "window":
		return kwEnds
	case "select":
		return kwSelect
	case "returning":
		return kwReturning
	case "fetch":
		return kwFetch
	case "not":
		return kwNot
	case "in":
		return kwIn
	case "all":
		return kwAll
	case "distinct":
		return kwDistinct
	case "on":
		return kwOn
	case "order", "group", "partition":
		return kwOrder
	case "to":
		return kwTo
	case "as", "collate":
		return kwName
	case "do":
		return kwDo
	case "like", "ilike", "between":
		return kwInfix
	case "operator":
		return kwOperator
	case "similar":
		return kwSimilar
	case "by":
		return kwBy
	case "at":
		return kwAt
	case "time":
		return kwTime
	case "zone":
		return kwZone
	case "first", "next":
		return kwFirst
	case "values":
		return kwValues
	case "insert", "update", "delete", "merge":
		return kwModify
	case "conflict":
		return kwConflict
	case "rollup", "cube":
		return kwRollup
	case "bit", "char", "character", "dec", "decimal", "float", "interval",
		"national", "nchar", "numeric", "precision", "timestamp", "varchar",
		"varying", "current_time", "current_timestamp", "localtime",
		"localtimestamp":
		return kwType
	case "extract":
		return kwExtract
	case "json_table", "xmltable":
		return kwTable
	case "nextval", "currval", "setval", "set_config", "current_setting",
		"pg_get_serial_sequence", "to_regclass", "to_regnamespace",
		"to_regoper", "to_regoperator", "to_regproc", "to_regprocedure",
		"to_regrole", "to_regtype", "to_regcollation":
		return kwNames
	case "regclass", "regcollation", "regconfig", "regdatabase",
		"regdictionary", "regnamespace", "regoper", "regoperator", "regproc",
		"regprocedure", "regrole", "regtype":
		return kwReg
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
