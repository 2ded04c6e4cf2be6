package topology

// Strides of generated ids: a sequence counts in steps of its stride, each node
// in the class of its slot. A stride is fixed once for a sequence.
const (
	// Stride is for 64-bit ids.
	Stride = 1024
	// NarrowStride is for ids that end in 32-bit columns.
	NarrowStride = 64
)

// maxStride is the largest that a database may ask for.
const maxStride = 65536

// Strides returns the strides of sequences that have none yet: of 64-bit ids, and
// of ids that end in 32-bit columns.
func (r *Rules) Strides() (wide, narrow int64) {
	wide = r.Stride
	if wide == 0 {
		wide = Stride
	}
	return wide, min(wide, NarrowStride)
}

// IsStride reports whether a step is one that some rules may have given to a
// sequence: those of these rules, and the powers of two from NarrowStride on, which
// stay when the rules change.
func (r *Rules) IsStride(step int64) bool {
	wide, narrow := r.Strides()
	return step == wide || step == narrow || step >= NarrowStride && step <= maxStride && step&(step-1) == 0
}

// SequenceMode says where a sequence's numbers are drawn and why they do not
// collide over the nodes.
type SequenceMode uint8

// The modes.
const (
	// SequenceAtHome: numbers are drawn on the home node only.
	SequenceAtHome SequenceMode = iota + 1
	// SequenceStrided: every node draws from the class of its slot.
	SequenceStrided
	// SequencePerNode: every node counts by itself and numbers may collide;
	// Reason says why it is not strided.
	SequencePerNode
)

// Sequence is a sequence or identity of a database.
type Sequence struct {
	Name TableName    `json:",omitzero"`
	Mode SequenceMode `json:",omitzero"`
	// Stride is set for SequenceStrided.
	Stride int64 `json:",omitzero"`
	// Reason explains the mode.
	Reason string `json:",omitzero"`
}

// FirstInClass returns the smallest number that is at least from and congruent
// to slot modulo stride. It returns false when that is beyond an int64 or when
// the slot has no class (stride is not above slot).
func FirstInClass(from int64, slot Slot, stride int64) (int64, bool) {
	if stride <= int64(slot) {
		return 0, false
	}
	first := from + (int64(slot)-from%stride+2*stride)%stride
	return first, first >= from
}

// InClass says whether id is congruent to slot modulo stride.
func InClass(id int64, slot Slot, stride int64) bool {
	return stride > 0 && ((id%stride)+stride)%stride == int64(slot)
}
