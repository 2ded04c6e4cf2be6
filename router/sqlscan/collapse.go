package sqlscan

import "bytes"

// slot is what Scan knows of one slot.
type slot struct {
	first, last int32 // its literals are among Literals[first:last]
	list        bool  // the slot is a list
	repeated    bool  // the slot is in a row of VALUES
	several     bool  // it has more than one literal
}

// run is a run of rows of VALUES that have one form. Only one list of VALUES
// is collapsed at a time, since none is inside of a row.
type run struct {
	start, end int // Shape[start:end] is the kept row, its mark included
	slot       int32
}

// collapseList turns the elements of an IN list into one list slot if all of
// them are stripped literals.
func (s *Scan) collapseList(f frame) {
	list := s.Shape[f.shape:]
	if len(list)%2 == 0 {
		return
	}
	for i, c := range list {
		if i%2 == 0 && c != markScalar || i%2 == 1 && c != ',' {
			return
		}
	}
	for i := range s.Literals[f.literal:] {
		s.Literals[int(f.literal)+i].Slot = f.slot
	}
	s.slots = s.slots[:f.slot+1]
	kept := &s.slots[f.slot]
	kept.list = true
	kept.several = len(s.Literals) > int(f.literal)+1
	kept.last = int32(len(s.Literals))
	s.Shape = append(s.Shape[:f.shape], markList)
	s.latest.at = -1
}

// collapseRow drops a row of VALUES from the shape if it has the form of the
// row before it, and gives its literals that row's slots. A kept row is
// followed by a mark.
func (s *Scan) collapseRow(f frame) {
	s.latest.at = -1
	start := int(f.shape) - 1
	r := &s.run
	if r.end == 0 || !bytes.Equal(s.Shape[r.start:r.end-1], s.Shape[start:]) {
		s.Shape = append(s.Shape, markRow)
		*r = run{start: start, end: len(s.Shape), slot: f.slot}
		return
	}
	s.Shape = s.Shape[:r.end]
	shift := f.slot - r.slot
	for i := int(f.literal); i < len(s.Literals); i++ {
		s.Literals[i].Slot -= shift
		kept := &s.slots[s.Literals[i].Slot]
		kept.last, kept.several = int32(i+1), true
	}
	s.slots = s.slots[:f.slot]
}
