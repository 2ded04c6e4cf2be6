package topology

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// FlagType is the type of a flag's value.
type FlagType uint8

// The types.
const (
	// FlagInt values are decimal integers.
	FlagInt FlagType = iota + 1
	// FlagDuration values are durations as Go writes them: "1.5s", "2m0s".
	FlagDuration
)

func (t FlagType) String() string {
	switch t {
	case FlagInt:
		return "int"
	case FlagDuration:
		return "duration"
	}
	return unknown
}

// FlagName names a setting of the whole cluster.
type FlagName = string

// The flags.
const (
	// FlagHoldBudget is how long transactions may wait for an armed change.
	FlagHoldBudget FlagName = "hold_budget"
	// FlagReportTimeout is how long a change waits for a peer to report before
	// the peer is cut off.
	FlagReportTimeout FlagName = "report_timeout"
	// FlagMaxVoters is how many peers vote; those that join later do not.
	FlagMaxVoters FlagName = "max_voters"
)

// Flag describes a setting of the whole cluster.
type Flag struct {
	Name    FlagName
	Type    FlagType
	Default string
	// Min and Max are the smallest and largest value.
	Min, Max string
	Help     string // one line

	version int // command version that brought it
}

// FlagTable returns all flags there are, in the order of their names. A new one,
// or another range, needs a new CommandVersion: peers must agree on what they
// refuse.
func FlagTable() []Flag {
	return []Flag{
		{FlagHoldBudget, FlagDuration, "5s", "100ms", "1m0s", "how long transactions may wait for a change before it is given up", 1},
		{FlagMaxVoters, FlagInt, "5", "1", "9", "how many peers vote; those that join later only follow", 1},
		{FlagReportTimeout, FlagDuration, "3s", "500ms", "1m0s", "how long a change waits for a peer before the peer is cut off from the nodes", 1},
	}
}

func flagNamed(name FlagName) (Flag, error) {
	table := FlagTable()
	i, ok := slices.BinarySearchFunc(table, name, func(f Flag, name string) int { return cmp.Compare(f.Name, name) })
	if !ok {
		return Flag{}, fmt.Errorf("flag %q: %w", name, ErrNotFound)
	}
	return table[i], nil
}

// Canonical checks a value and returns its canonical spelling.
func (f *Flag) Canonical(value string) (string, error) {
	n, err := f.parse(value)
	if err != nil {
		return "", fmt.Errorf("flag %s: %q is not of type %s: %w", f.Name, value, f.Type, ErrInvalid)
	}
	// The table's own values are well formed: a test holds it.
	low, _ := f.parse(f.Min)
	high, _ := f.parse(f.Max)
	if n < low || n > high {
		return "", fmt.Errorf("flag %s: %s is not between %s and %s: %w", f.Name, value, f.Min, f.Max, ErrInvalid)
	}
	return f.format(n), nil
}

func (f *Flag) parse(value string) (int64, error) {
	if f.Type == FlagDuration {
		d, err := time.ParseDuration(value)
		return int64(d), err
	}
	return strconv.ParseInt(value, 10, 64)
}

func (f *Flag) format(n int64) string {
	if f.Type == FlagDuration {
		return time.Duration(n).String()
	}
	return strconv.FormatInt(n, 10)
}

// FlagValue returns a flag's value, set or default; "" for a flag there is not.
func (t *Topology) FlagValue(name FlagName) string {
	if v, ok := t.Flags[name]; ok {
		return v
	}
	f, _ := flagNamed(name)
	return f.Default
}

// FlagInt returns the value of a flag of that type.
func (t *Topology) FlagInt(name FlagName) int {
	n, _ := strconv.Atoi(t.FlagValue(name))
	return n
}

// FlagDuration returns the value of a flag of that type.
func (t *Topology) FlagDuration(name FlagName) time.Duration {
	d, _ := time.ParseDuration(t.FlagValue(name))
	return d
}
