package sqlscan

import "shardproxy/ring"

// EachArrayText yields the canonical keys of the elements of an array in text
// form, like '{1,2,"a b",NULL}' (manual section 8.15.6). Arrays of several
// dimensions or with bounds, and malformed ones, are a KeyMismatch, before
// anything is yielded. What yield gets is valid until it returns.
func EachArrayText(array []byte, t ring.KeyType, yield func(canonical []byte, state KeyState) bool) KeyState {
	var b elementBuffers
	return b.each(array, t, yield)
}

// elementBuffers are what the elements of an array are decoded in.
type elementBuffers struct {
	key     []byte // canonical bytes
	element []byte // an element without its backslashes
}

// each is EachArrayText.
func (b *elementBuffers) each(array []byte, t ring.KeyType, yield func([]byte, KeyState) bool) KeyState {
	a := arrayText{text: array}
	for a.next() {
	}
	if a.malformed {
		return KeyMismatch
	}
	for a = (arrayText{text: array}); a.next(); {
		state := KeyNull
		b.key = b.key[:0]
		if !a.null {
			var ok bool
			if b.key, ok = ring.AppendText(b.key, t, b.decode(&a)); ok {
				state = KeyOK
			} else {
				state = KeyMismatch
			}
		}
		if !yield(b.key, state) {
			break
		}
	}
	return KeyOK
}

// decode returns the current element of a without its backslashes.
func (b *elementBuffers) decode(a *arrayText) []byte {
	if !a.escaped {
		return a.element
	}
	b.element = b.element[:0]
	for i := 0; i < len(a.element); i++ {
		if a.element[i] == '\\' {
			i++
		}
		b.element = append(b.element, a.element[i])
	}
	return b.element
}

// arrayText reads the elements of an array's text form.
type arrayText struct {
	text []byte
	pos  int

	element   []byte // the current one, without quotes
	escaped   bool   // there are backslashes in it
	null      bool   // it is NULL
	malformed bool   // the text is no array we read
}

// next moves to the next element. After the last one it returns false, with
// malformed set if the text is not well formed.
func (a *arrayText) next() bool {
	first := a.pos == 0
	a.pos = span(a.text, a.pos, space)
	if first {
		if !at(a.text, a.pos, '{') {
			return a.fail()
		}
		a.pos = span(a.text, a.pos+1, space)
	}
	switch {
	case at(a.text, a.pos, '}'):
		return a.end()
	case first:
	case at(a.text, a.pos, ','):
		a.pos = span(a.text, a.pos+1, space)
	default:
		return a.fail()
	}
	if at(a.text, a.pos, '"') {
		return a.quoted()
	}
	return a.unquoted()
}

func (a *arrayText) fail() bool {
	a.malformed = true
	return false
}

// end checks that nothing follows the closing brace.
func (a *arrayText) end() bool {
	a.malformed = span(a.text, a.pos+1, space) != len(a.text)
	return false
}

func (a *arrayText) quoted() bool {
	a.escaped, a.null = false, false
	start := a.pos + 1
	for i := start; i < len(a.text); i++ {
		switch a.text[i] {
		case '\\':
			a.escaped = true
			i++
		case '"':
			a.element, a.pos = a.text[start:i], i+1
			return true
		}
	}
	return a.fail()
}

func (a *arrayText) unquoted() bool {
	a.escaped, a.null = false, false
	start, end := a.pos, a.pos // end: behind the last byte that is no white space
	i := start
	for ; i < len(a.text); i++ {
		switch c := a.text[i]; {
		case c == '\\':
			a.escaped = true
			i++
			end = i + 1
		case c == ',' || c == '}':
			if end == start {
				return a.fail()
			}
			a.element, a.pos = a.text[start:end], i
			a.null = !a.escaped && isNull(a.element)
			return true
		case c == '{' || c == '"':
			return a.fail()
		case properties[c]&space == 0:
			end = i + 1
		}
	}
	return a.fail()
}

func isNull(word []byte) bool {
	return len(word) == 4 && folded[word[0]] == 'n' && folded[word[1]] == 'u' &&
		folded[word[2]] == 'l' && folded[word[3]] == 'l'
}
