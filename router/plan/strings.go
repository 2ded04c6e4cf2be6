package plan

import "strconv"

// String returns the class's name.
func (c Class) String() string {
	switch c {
	case Single:
		return "Single"
	case Subset:
		return "Subset"
	case Scatter:
		return "Scatter"
	case Any:
		return "Any"
	case All:
		return "All"
	case Local:
		return "Local"
	case Nothing:
		return "Nothing"
	case Reject:
		return "Reject"
	case Draw:
		return "Draw"
	case ByRows:
		return "ByRows"
	case Deferred:
		return "Deferred"
	}
	return "Class(" + strconv.Itoa(int(c)) + ")"
}

// String returns what the statement would have needed, in words.
func (w Would) String() string {
	switch w {
	case 0:
		return ""
	case WouldScatter:
		return "scatter"
	case WouldBroadcast:
		return "broadcast"
	case WouldReplicate:
		return "replicated write"
	}
	return "Would(" + strconv.Itoa(int(w)) + ")"
}

// String returns how a column is merged.
func (m MergeColumn) String() string {
	switch m {
	case MergeCount:
		return "count"
	case MergeSum:
		return "sum"
	case MergeMin:
		return "min"
	case MergeMax:
		return "max"
	}
	return "MergeColumn(" + strconv.Itoa(int(m)) + ")"
}

// flagNames are the flags' names, lowest bit first.
var flagNames = [...]string{
	"lastval", "sequence", "session-lock", "transaction-lock", "set-config", "temp", "replicated",
	"locking", "volatile", "notify", "hinted", "catalog", "home-sizes",
}

// String returns the names of the flags, separated by spaces.
func (f Flags) String() string {
	text := ""
	for i, name := range flagNames {
		if f>>i&1 == 1 {
			if text != "" {
				text += " "
			}
			text += name
		}
	}
	return text
}
