package sqlscan

import "shardproxy/ring"

var _ Keys = (*Scan)(nil)

// AppendKey appends the canonical bytes of the literal of slot n as a key of
// type t. A slot that does not exist is a KeyMismatch, and so is one that has
// several literals, in a list or in rows of VALUES: whoever takes one of them
// for all would lose the others' rows (see EachKey).
func (s *Scan) AppendKey(dst []byte, n int, t ring.KeyType) ([]byte, KeyState) {
	if n < 0 || n >= len(s.slots) || s.slots[n].several {
		return dst, KeyMismatch
	}
	return s.appendKey(dst, &s.Literals[s.slots[n].first], t)
}

// EachKey yields the canonical bytes of each literal of slot n in the order of
// the text: of a list, or of the rows of VALUES. A literal in another place
// must be a string with a one-dimensional array in it, whose elements are
// yielded. What yield gets is valid until it returns; it must not use s.
func (s *Scan) EachKey(n int, t ring.KeyType, yield func(canonical []byte, state KeyState) bool) KeyState {
	if n < 0 || n >= len(s.slots) {
		return KeyMismatch
	}
	slot := s.slots[n]
	if !slot.list && !slot.repeated {
		return s.eachElement(&s.Literals[slot.first], t, yield)
	}
	for i := slot.first; i < slot.last; i++ {
		lit := &s.Literals[i]
		if int(lit.Slot) != n {
			continue // another column of the row
		}
		key, state := s.appendKey(s.elements.key[:0], lit, t)
		s.elements.key = key
		if !yield(key, state) {
			break
		}
	}
	return KeyOK
}

// eachElement yields the elements of an array that is written as a string.
func (s *Scan) eachElement(lit *Literal, t ring.KeyType, yield func([]byte, KeyState) bool) KeyState {
	if lit.Kind == Integer || lit.Kind == Number {
		return KeyMismatch
	}
	array, ok := s.value(lit)
	if !ok {
		return KeyMismatch
	}
	return s.elements.each(array, t, yield)
}

// appendKey appends the canonical bytes of a literal. The server reads a
// string as whatever type the column has, so its spelling decides. A number is
// only an integer key, and only in its one canonical spelling.
func (s *Scan) appendKey(dst []byte, lit *Literal, t ring.KeyType) ([]byte, KeyState) {
	ok := false
	switch lit.Kind {
	case Integer:
		if t == ring.KeyInt {
			dst, ok = ring.AppendText(dst, t, s.integer(lit))
		}
	case String, EscapeString, DollarString:
		var value []byte
		if value, ok = s.value(lit); ok {
			dst, ok = ring.AppendText(dst, t, value)
		}
	}
	if !ok {
		return dst, KeyMismatch
	}
	return dst, KeyOK
}

// integer returns the spelling of an integer literal without what may stand
// between its sign and its digits.
func (s *Scan) integer(lit *Literal) []byte {
	start := int(lit.Start)
	digits := lit.digits(s.Text)
	if digits <= start+1 {
		return s.Text[start:lit.End]
	}
	s.decoded = append(s.decoded[:0], s.Text[start])
	s.decoded = append(s.decoded, s.Text[digits:lit.End]...)
	return s.decoded
}

// AppendValue appends the value of the (first) literal of slot n as text: the
// spelling of a number without white space, the contents of a string. It
// returns false where there is no such slot, or where the server would refuse
// the string.
func (s *Scan) AppendValue(dst []byte, n int) ([]byte, bool) {
	if n < 0 || n >= len(s.slots) {
		return dst, false
	}
	lit := &s.Literals[s.slots[n].first]
	if lit.Kind == Integer || lit.Kind == Number {
		return append(dst, s.integer(lit)...), true
	}
	value, ok := s.value(lit)
	if !ok {
		return dst, false
	}
	return append(dst, value...), true
}
