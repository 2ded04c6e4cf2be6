package sqlscan

import (
	"strconv"

	"shardproxy/router/querytree"
)

// AppendParseText appends the shape as a text for the parser: slot n is the
// parameter querytree.SlotBase+n, a list slot querytree.ListBase+n, and rows of
// VALUES that have one form are there once. Where the statement parses, so does
// this text. A statement that is not Strippable is appended as it is.
func (s *Scan) AppendParseText(dst []byte) []byte {
	if !s.Strippable {
		return append(dst, s.Shape...)
	}
	shape := s.Shape[1:]
	done, n := 0, 0
	for i, c := range shape {
		if c > lastMark {
			continue
		}
		base := querytree.SlotBase
		switch c {
		case markScalar:
		case markList:
			base = querytree.ListBase
		case markRow:
			dst = append(dst, shape[done:i]...)
			done = i + 1
			continue
		default:
			continue // a NUL inside of quotes
		}
		dst = append(dst, shape[done:i]...)
		dst = append(dst, " $"...)
		dst = strconv.AppendInt(dst, int64(base+n), 10)
		dst = append(dst, ' ')
		n++
		done = i + 1
	}
	return append(dst, shape[done:]...)
}
