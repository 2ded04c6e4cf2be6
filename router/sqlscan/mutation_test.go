package sqlscan

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// mutator makes new statements of the corpus's tokens. Most of them are no
// SQL; the ones that are have constructs side by side that nobody thought of.
type mutator struct {
	rand       *rand.Rand
	statements [][]string
	vocabulary []string
}

func newMutator(t testing.TB, seed uint64) *mutator {
	m := &mutator{rand: rand.New(rand.NewPCG(seed, 0))}
	for _, text := range corpus(t) {
		if strings.Contains(text, "/* refused */") || opens(text) == opensOther {
			continue
		}
		var tokens []string
		for lexer := NewTokens([]byte(text), 0, 0); ; {
			tok := lexer.Next()
			if tok.Kind == TokenEnd {
				break
			}
			tokens = append(tokens, text[tok.Start:tok.End])
		}
		m.statements = append(m.statements, tokens)
		m.vocabulary = append(m.vocabulary, tokens...)
	}
	slices.Sort(m.vocabulary)
	m.vocabulary = slices.Compact(m.vocabulary)
	m.vocabulary = append(m.vocabulary, "5", "'x'", "-", "(", ")", ",", "::", "NOT", "IN", "BY", "AS")
	return m
}

func (m *mutator) statement() []string {
	return m.statements[m.rand.IntN(len(m.statements))]
}

func (m *mutator) next() string {
	tokens := slices.Clone(m.statement())
	for range 1 + m.rand.IntN(2) {
		at := m.rand.IntN(len(tokens))
		word := m.vocabulary[m.rand.IntN(len(m.vocabulary))]
		switch m.rand.IntN(5) {
		case 0:
			tokens[at] = word
		case 1:
			tokens = slices.Insert(tokens, at, word)
		case 2:
			if len(tokens) > 1 {
				tokens = slices.Delete(tokens, at, at+1)
			}
		default:
			other := m.statement()
			from := m.rand.IntN(len(other))
			to := min(len(other), from+1+m.rand.IntN(6))
			end := min(len(tokens), at+m.rand.IntN(3))
			tokens = slices.Replace(tokens, at, end, other[from:to]...)
		}
	}
	return strings.Join(tokens, " ")
}

// What TestParseTextMeansTheSame says of the corpus holds for statements that
// are put together at random.
func TestMutationsMeanTheSame(t *testing.T) {
	const duration = 2 * time.Second
	m := newMutator(t, 1)
	var s Scan
	parsed := 0
	for start := time.Now(); time.Since(start) < duration; {
		text := m.next()
		s.Statement([]byte(text), 0, 0)
		if !s.Strippable || int(s.End) != len(text) {
			continue
		}
		if _, err := parseJSON(text); err == nil {
			parsed++
		}
		if err := sameTree(&s); err != nil {
			t.Fatalf("%s\n\t%v", text, err)
		}
	}
	if parsed < 100 {
		t.Errorf("only %d mutations parsed", parsed)
	}
	t.Logf("%d mutations parsed", parsed)
}
