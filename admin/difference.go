package admin

import "fmt"

// Op is what a difference does.
type Op string

// The operations.
const (
	OpAdd    Op = "add"
	OpChange Op = "change"
	OpRemove Op = "remove"
)

// Difference is one line of what a change would do. It shows no secrets.
type Difference struct {
	Op Op `json:"op"`
	// What it is about: "user app: databases".
	What string `json:"what"`
	// Before and After are the values where there are any to show.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// String is the line: "~ database app: pool.max: 20 -> 30".
func (d Difference) String() string {
	switch {
	case d.Op == OpAdd && d.After != "":
		return fmt.Sprintf("+ %s: %s", d.What, d.After)
	case d.Op == OpAdd:
		return "+ " + d.What
	case d.Op == OpRemove && d.Before != "":
		return fmt.Sprintf("- %s: %s", d.What, d.Before)
	case d.Op == OpRemove:
		return "- " + d.What
	case d.Before == "" && d.After == "":
		return "~ " + d.What + " changes"
	}
	return fmt.Sprintf("~ %s: %s -> %s", d.What, orNothing(d.Before), orNothing(d.After))
}

func orNothing(value string) string {
	if value == "" {
		return "(nothing)"
	}
	return value
}

func lines(differences []Difference) []string {
	texts := make([]string, len(differences))
	for i, d := range differences {
		texts[i] = d.String()
	}
	return texts
}

// differ collects differences.
type differ struct{ found []Difference }

func (d *differ) add(found ...Difference) { d.found = append(d.found, found...) }

// changed notes a value that differs.
func (d *differ) changed(what, before, after string) {
	if before != after {
		d.add(Difference{Op: OpChange, What: what, Before: before, After: after})
	}
}
