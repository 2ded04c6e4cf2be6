package sqlscan

// maxFrames is how deep a statement may nest before it is left as it is. The
// server's parser gives up at a depth of the same order.
const maxFrames = 2000

// frameKind is what a pair of parentheses or brackets encloses.
type frameKind uint8

const (
	frameExpr      frameKind = iota // an expression or a query where an operand stands
	frameCall                       // the arguments of a function
	framePosition                   // the arguments of POSITION
	frameList                       // what follows IN
	frameRow                        // a row of VALUES
	frameOther                      // column names, type modifiers, options, a query
	frameOperator                   // OPERATOR(schema.op)
	frameDistinct                   // the list of DISTINCT ON
	frameSubscript                  // brackets
)

// frame is an open parenthesis or bracket.
type frame struct {
	kind frameKind
	// strip: literals in operand position are stripped.
	strip bool
	// sticky: nothing inside turns strip on.
	sticky bool
	// conflict: between ON CONFLICT and DO.
	conflict bool
	// ordinals: in the list of ORDER BY, GROUP BY or DISTINCT ON, where a bare
	// number at the start of an item is a position.
	ordinals bool
	// inRow: somewhere inside of a row of VALUES.
	inRow bool
	// operand: the closed frame is (the end of) an operand.
	operand bool

	shape   int32 // the length of Shape behind the opening parenthesis
	literal int32 // the number of literals before it
	slot    int32 // the number of slots before it
}

// open begins the frame of "(" or "[".
func (s *Scan) open(c byte) {
	if len(s.frames) == maxFrames {
		s.failed = true
		return
	}
	f := s.frame(c)
	s.Shape = append(s.Shape, c)
	f.shape = int32(len(s.Shape))
	f.literal = int32(len(s.Literals))
	f.slot = int32(len(s.slots))
	s.frames = append(s.frames, s.top)
	s.top = f
	s.last = gluePunct
	// EXTRACT('year' FROM x): the grammar wants a string constant.
	s.expect = s.prev != kwExtract || c != '('
	s.operand = false
	s.prev = afterOpen
}

// frame decides what kind of frame begins here. In an operand's place it is an
// expression, behind a name in an operand's place the call of a function. All
// else keeps its literals unless a query turns up in it.
func (s *Scan) frame(c byte) frame {
	up := &s.top
	f := frame{kind: frameOther, sticky: up.sticky, inRow: up.inRow}
	switch {
	case c == '[':
		f.kind = frameSubscript
		f.operand = s.expect || s.operand
		f.strip = up.strip && f.operand
	case s.prev == afterRowComma, s.prev == kwValues && up.strip && !up.inRow:
		f.kind, f.strip, f.inRow, f.operand = frameRow, up.strip, true, true
		if s.prev == kwValues {
			s.run = run{}
		}
	case s.prev == kwOperator:
		f.kind = frameOperator
	case s.prev == kwDistinctOn:
		f.kind, f.strip, f.ordinals = frameDistinct, up.strip, true
	case s.prev == kwIn && up.kind != framePosition:
		f.kind, f.strip, f.operand = frameList, up.strip, true
	case s.expect, s.prev == kwValues:
		f.kind, f.strip, f.operand = frameExpr, up.strip, true
		f.ordinals = up.ordinals && s.itemStarts()
	case s.operand:
		f.kind, f.strip, f.operand = frameCall, up.strip, true
		f.ordinals = up.ordinals && s.prev == kwRollup
		switch s.prev {
		case kwPosition:
			f.kind = framePosition
		case kwTableFunc:
			f.strip, f.sticky = false, true
		case kwNames:
			f.strip = false
		}
	}
	return f
}

// itemStarts reports whether the next token begins an item of a list.
func (s *Scan) itemStarts() bool {
	return s.prev == afterComma || s.prev == afterOpen || s.prev == kwBy
}

// close ends the innermost frame with ")" or "]".
func (s *Scan) close(c byte) {
	if len(s.frames) == 0 || (c == ']') != (s.top.kind == frameSubscript) {
		s.failed = true
		return
	}
	f := s.top
	s.top = s.frames[len(s.frames)-1]
	s.frames = s.frames[:len(s.frames)-1]
	s.prev = plain
	s.expect = f.kind == frameDistinct || f.kind == frameOperator && s.last == glueOperator
	switch f.kind {
	case frameList:
		s.collapseList(f)
		s.Shape = append(s.Shape, c)
	case frameRow:
		s.Shape = append(s.Shape, c)
		s.collapseRow(f)
		s.prev = afterRow
	case frameCall, framePosition:
		s.Shape = append(s.Shape, c)
		s.prev = afterCall
	default:
		s.Shape = append(s.Shape, c)
	}
	s.last = gluePunct
	s.operand = f.operand
}

// allow lets literals of the innermost frame be stripped: it holds a query.
func (s *Scan) allow() { s.top.strip = s.top.strip || !s.top.sticky }

// depth returns the number of open parentheses.
func (s *Scan) depth() int {
	n := 0
	for i := range s.frames {
		if i > 0 && s.frames[i].kind != frameSubscript {
			n++
		}
	}
	if len(s.frames) > 0 && s.top.kind != frameSubscript {
		n++
	}
	return n
}
