package catalog

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
)

func TestMakeDraw(t *testing.T) {
	serial := &Sequence{Name: topology.TableName{Schema: "we ird", Name: `a"b`}}
	drawSerial := topology.Draw{Kind: topology.DrawSequence, Sequence: `"we ird"."a""b"`}
	identity := drawSerial
	identity.Identity = true
	expression := func(text string) topology.Draw {
		return topology.Draw{Kind: topology.DrawExpression, Expression: text}
	}

	tests := []struct {
		name      string
		facts     columnFacts
		sequences []*Sequence
		want      topology.Draw
		problem   string
		random    bool
	}{
		{"identity always", columnFacts{identity: "a"}, []*Sequence{serial}, identity, "", false},
		{"identity by default", columnFacts{identity: "d"}, []*Sequence{serial}, drawSerial, "", false},
		{"identity of a partition", columnFacts{identity: "d"}, nil, topology.Draw{}, "its identity belongs to the partitioned table", false},
		{"serial", columnFacts{expression: `nextval('"we ird"."a""b"'::regclass)`, sequences: []uint32{1}}, []*Sequence{serial}, drawSerial, "", false},
		{"a quote in the name", columnFacts{expression: `nextval('"a''b"'::regclass)`, sequences: []uint32{1}}, []*Sequence{serial}, drawSerial, "", false},
		{"more than a serial", columnFacts{expression: `(nextval('s'::regclass) * 2)`, sequences: []uint32{1}}, []*Sequence{serial}, topology.Draw{}, "it takes the number of a sequence inside an expression", false},
		{"two sequences", columnFacts{expression: `(nextval('s'::regclass) + nextval('t'::regclass))`, sequences: []uint32{1, 2}}, []*Sequence{serial, serial}, topology.Draw{}, "it takes the number of a sequence inside an expression", false},
		{"a temporary sequence", columnFacts{expression: `nextval('s'::regclass)`, sequences: []uint32{1}}, nil, topology.Draw{}, "it takes the number of a sequence inside an expression", false},
		{"a sequence by its name as text", columnFacts{expression: `nextval(('s'::text)::regclass)`}, nil, topology.Draw{}, `"nextval" may depend on the session or on rows`, false},
		{"somebody's nextval", columnFacts{expression: `public.nextval('s'::regclass)`, functions: []string{"public.nextval"}}, nil, topology.Draw{}, `"regclass" may depend on the session or on rows`, false},
		{"null", columnFacts{expression: "NULL::character varying"}, nil, topology.Draw{}, "", false},
		{"uuid", columnFacts{expression: "gen_random_uuid()", baseType: oidUUID}, nil, topology.Draw{Kind: topology.DrawUUID}, "", true},
		{"uuid of an extension", columnFacts{expression: `extensions.uuid_generate_v4()`, baseType: oidUUID, extFuncs: []string{"extensions.uuid_generate_v4"}}, nil, topology.Draw{Kind: topology.DrawUUID}, "", true},
		{"uuid of somebody's", columnFacts{expression: `public.gen_random_uuid()`, baseType: oidUUID, baseName: "uuid", functions: []string{"public.gen_random_uuid"}}, nil, expression(`CAST((public.gen_random_uuid()) AS pg_catalog."uuid")`), "", false},
		{"uuid as text", columnFacts{expression: "(gen_random_uuid())::text", baseType: oidText, baseName: "text"}, nil, expression(`CAST(((gen_random_uuid())::text) AS pg_catalog."text")`), "", true},
		{"constant", columnFacts{expression: "7", baseType: oidInt4, baseName: "int4"}, nil, expression(`CAST((7) AS pg_catalog."int4")`), "", false},
		{"text constant", columnFacts{expression: `'current_user'::character varying`, baseName: "varchar"}, nil, expression(`CAST(('current_user'::character varying) AS pg_catalog."varchar")`), "", false},
		{"random text", columnFacts{expression: `md5((random())::text)`, baseName: "text"}, nil, expression(`CAST((md5((random())::text)) AS pg_catalog."text")`), "", false},
		{"bytes of an extension", columnFacts{expression: `encode(public.gen_random_bytes(8), 'hex'::text)`, baseName: "text", extFuncs: []string{"public.gen_random_bytes"}}, nil, expression(`CAST((encode(public.gen_random_bytes(8), 'hex'::text)) AS pg_catalog."text")`), "", false},
		{"the time", columnFacts{expression: `(EXTRACT(epoch FROM now()))::bigint`, baseName: "int8"}, nil, expression(`CAST(((EXTRACT(epoch FROM now()))::bigint) AS pg_catalog."int8")`), "", false},
		{"the user", columnFacts{expression: "CURRENT_USER"}, nil, topology.Draw{}, `"CURRENT_USER" may depend on the session or on rows`, false},
		{"a setting", columnFacts{expression: `(current_setting('app.tenant'::text))::integer`}, nil, topology.Draw{}, `"current_setting" may depend on the session or on rows`, false},
		{"another server", columnFacts{expression: `public.dblink('x'::text)`, extFuncs: []string{"public.dblink"}}, nil, topology.Draw{}, `"dblink" may depend on the session or on rows`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := makeDraw(&tt.facts, tt.sequences)
			if diff := cmp.Diff(tt.want, got.draw); diff != "" {
				t.Errorf("draw (-want +got):\n%s", diff)
			}
			if got.problem != tt.problem || got.random != tt.random {
				t.Errorf("problem %q, random %v", got.problem, got.random)
			}
		})
	}
}

func TestWords(t *testing.T) {
	tests := []struct {
		expression string
		want       []string
	}{
		{"", nil},
		{"7 + 1.5e3", nil},
		{`'a ''b'' c'::text`, []string{"text"}},
		{`E'a\'b' || f(x)`, []string{"f", "x"}},
		{`B'01' | "a""b".c`, []string{`a"b`, "c"}},
		{`'unterminated`, nil},
		{`E'unterminated\`, nil},
		{`"unterminated`, []string{"unterminated"}},
		{"größe(x1)", []string{"größe", "x1"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, words(tt.expression)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.expression, diff)
		}
	}
}

// FuzzWords: there are no words inside a literal, whatever stands there, and
// the scan ends on any text.
func FuzzWords(f *testing.F) {
	f.Add(`a.b('x'''::text)`)
	f.Add(`E'\'"`)
	f.Add(`\`)
	f.Fuzz(func(t *testing.T, text string) {
		words(text)
		literal := "'" + strings.ReplaceAll(text, "'", "''") + "'"
		if w := words(literal + " || " + literal); len(w) != 0 {
			t.Fatalf("words of %s: %q", literal, w)
		}
		if got := firstUnknownWord("now() || "+literal+" || strange()", nil, nil); got != "strange" {
			t.Fatalf("unknown word %q", got)
		}
	})
}
