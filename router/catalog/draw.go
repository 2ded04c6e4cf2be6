package catalog

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardproxy/meta/topology"
)

// drawn is how a column's default makes values.
type drawn struct {
	draw    topology.Draw
	problem string // why there is no draw though there is a default
	random  bool   // no other node makes the same value
}

// sqlName is the regclass text of a name.
func sqlName(n topology.TableName) string { return pgx.Identifier{n.Schema, n.Name}.Sanitize() }

// makeDraw decides how a missing value of the column can be made ahead of the
// INSERT. The expression is the server's own text of the default, in which
// everything outside pg_catalog is qualified.
func makeDraw(f *columnFacts, sequences []*Sequence) drawn {
	switch {
	case f.identity != "" && len(sequences) == 1:
		return drawn{draw: topology.Draw{
			Kind: topology.DrawSequence, Sequence: sqlName(sequences[0].Name), Identity: f.identity == "a",
		}}
	case f.identity != "":
		return drawn{problem: "its identity belongs to the partitioned table"}
	case isNullDefault(f.expression):
		return drawn{}
	case len(sequences) == 1 && nextvalCall.MatchString(f.expression):
		return drawn{draw: topology.Draw{Kind: topology.DrawSequence, Sequence: sqlName(sequences[0].Name)}}
	case len(sequences)+len(f.sequences) > 0:
		return drawn{problem: "it takes the number of a sequence inside an expression"}
	}
	random := isRandomUUID(f.expression, f.extFuncs)
	if random && f.baseType == oidUUID {
		return drawn{draw: topology.Draw{Kind: topology.DrawUUID}, random: true}
	}
	if word := firstUnknownWord(f.expression, f.functions, f.extFuncs); word != "" {
		return drawn{problem: fmt.Sprintf("%q may depend on the session or on rows", word), random: random}
	}
	return drawn{draw: topology.Draw{
		Kind: topology.DrawExpression,
		// Without the length: the server shall refuse a value that is too long,
		// as it would the default's.
		Expression: fmt.Sprintf("CAST((%s) AS pg_catalog.%s)", f.expression, pgx.Identifier{f.baseName}.Sanitize()),
	}, random: random}
}

// isNullDefault: DEFAULT NULL, which some types make the server store.
func isNullDefault(expression string) bool {
	return expression == "NULL" || strings.HasPrefix(expression, "NULL::")
}

// nextvalCall is a default that is a sequence's number and nothing else.
var nextvalCall = regexp.MustCompile(`^nextval\('(?:[^']|'')+'::regclass\)$`)

// uuidCall is a call of a function without arguments, perhaps turned into text.
var uuidCall = regexp.MustCompile(`^\(?(?:("[^"]+"|\w+)\.)?(\w+)\(\)\)?(?:::text|::character varying)?$`)

// isRandomUUID: the default is a call of one of the functions that make uuids,
// of the server or of an extension, perhaps turned into text.
func isRandomUUID(expression string, extFuncs []string) bool {
	m := uuidCall.FindStringSubmatch(expression)
	if m == nil {
		return false
	}
	schema, function := strings.Trim(m[1], `"`), m[2]
	switch function {
	case "gen_random_uuid", "uuidv4", "uuidv7":
		if schema == "" {
			return true
		}
	case "uuid_generate_v4", "uuid_generate_v1", "uuid_generate_v1mc":
	default:
		return false
	}
	for _, f := range extFuncs {
		if f == schema+"."+function {
			return true
		}
	}
	return false
}
