package sqlscan

import "slices"

// word writes a word, folded, and decides what may follow it. What matters is
// whether an operand must follow (expect): only there a literal is stripped,
// and only there a sign belongs to the number behind it. A word that the
// grammar also allows as a name counts as a keyword only in a place where no
// name can stand.
func (s *Scan) word(tok Token) {
	s.separate(glueWord)
	word := s.fold(s.Text[tok.Start:tok.End])
	kw := lookup(word)
	prev := s.prev
	switch {
	case kw == plain:
		if prev != afterDot {
			s.operand = s.expect
		}
		s.expect, s.prev = false, plain
	case prev == afterDot:
		s.memberWord(kw)
	case kw != kwReg && (prev == kwName || prev == afterCast || prev == kwReturning && !s.expect):
		// The name of a type, or of a column.
		s.expect, s.operand, s.prev = false, false, plain
	default:
		s.keyword(kw, prev)
	}
}

// fold appends a word to the shape in lower case and returns it there.
func (s *Scan) fold(word []byte) []byte {
	start := len(s.Shape)
	s.Shape = slices.Grow(s.Shape, len(word))[:start+len(word)]
	lower := s.Shape[start:]
	for i := range lower {
		lower[i] = folded[word[i]]
	}
	return lower
}

// memberWord handles a keyword behind a dot: there it is a name.
func (s *Scan) memberWord(kw keyword) {
	s.expect, s.prev = false, plain
	switch kw {
	case kwNames:
		s.prev = kwNames
	case kwReg:
		s.regWord(s.operand)
	}
}

// regWord handles the name of a reg* type: a cast keeps the literal before it,
// a call of the conversion function those in it.
func (s *Scan) regWord(operand bool) {
	s.operand = operand
	if operand {
		s.prev = kwNames
	} else {
		s.restore()
	}
}

// keyword handles a keyword behind the token prev.
func (s *Scan) keyword(kw, prev keyword) {
	expected := s.expect
	infix := !expected || prev == kwNot // where an operator may stand
	s.prev = kw
	s.expect, s.operand = false, false
	switch kw {
	case kwOperand, kwIn:
		s.expect = true
	case kwNot:
		s.expect = true
		if expected { // a prefix: what follows is no NOT LIKE
			s.prev = kwOperand
		}
	case kwClause:
		s.expect = true
		s.top.ordinals = false
		s.allow()
	case kwReturning:
		// In the call of a function a type follows: JSON_VALUE(... RETURNING int).
		s.expect = s.top.kind != frameCall
		s.top.ordinals = false
	case kwEnds, kwFetch:
		s.top.ordinals = false
	case kwAll, kwDistinct:
		s.expect = true
		if prev == kwBy {
			s.prev = kwBy // GROUP BY DISTINCT 1
		}
	case kwOn:
		s.expect = true
		if prev == kwDistinct {
			s.prev = kwDistinctOn
		}
	case kwDo:
		s.conflictEnds()
	case kwOrder, kwName:
	case kwValues:
		s.allow()
	case kwReg:
		s.prev = plain
		s.regWord(expected)
	default:
		s.nameOrKeyword(kw, prev, expected, infix)
	}
}

// nameOrKeyword handles the words that may be the name of something. Where a
// word is no keyword after all, it is an operand if one was expected.
func (s *Scan) nameOrKeyword(kw, prev keyword, expected, infix bool) {
	s.operand = expected
	switch kw {
	case kwInfix:
		s.expect, s.operand = infix, !infix
	case kwSimilar:
		if !infix {
			s.prev = plain
		}
	case kwTo:
		s.expect = prev == kwSimilar
	case kwBy:
		if prev == kwOrder {
			s.expect, s.operand, s.top.ordinals = true, false, true
			s.allow()
		} else {
			s.prev = plain
		}
	case kwAt:
		if expected {
			s.prev = plain
		}
	case kwTime:
		s.operand = false
		if prev == kwAt {
			s.prev = kwAtTime
		}
	case kwZone:
		s.expect = prev == kwAtTime
	case kwFirst:
		s.expect = prev == kwFetch
	case kwModify:
		if prev == afterOpen {
			s.allow()
			s.operand = false
		}
	case kwConflict:
		if prev == kwOn {
			s.conflictBegins()
		}
	case kwType:
		s.operand = false
	}
}

// conflictBegins keeps the literals of an ON CONFLICT up to its DO: they are
// part of what the arbiter index is chosen by.
func (s *Scan) conflictBegins() {
	s.top.ordinals = false
	if s.top.strip {
		s.top.strip, s.top.sticky, s.top.conflict = false, true, true
	}
}

func (s *Scan) conflictEnds() {
	if s.top.conflict {
		s.top.strip, s.top.sticky, s.top.conflict = true, false, false
	}
}
