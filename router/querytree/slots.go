package querytree

// The parser sees the literal-stripped text, in which a literal is written as
// a parameter: $(SlotBase+n) for slot n, $(ListBase+n) for a list slot. The
// client's own parameters are below SlotBase.
const (
	SlotBase = 1 << 20
	ListBase = 1 << 21
)
