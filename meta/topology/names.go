package topology

import "strings"

// unknown is the name of values that are none of their type's.
const unknown = "unknown"

func (e Engine) String() string {
	switch e {
	case Postgres:
		return "postgres"
	case MySQL:
		return "mysql"
	}
	return unknown
}

func (p Placement) String() string {
	switch p {
	case Sharded:
		return "sharded"
	case Reference:
		return "reference"
	case Global:
		return "global"
	case System:
		return "system"
	case View:
		return "view"
	case Refused:
		return "refused"
	}
	return unknown
}

func (s RuleSource) String() string {
	switch s {
	case FromConfig:
		return "config"
	case FromPattern:
		return "pattern"
	case FromConvention:
		return "convention"
	case FromPrimaryKey:
		return "primary key"
	case FromDefault:
		return "default"
	}
	return unknown
}

func (m SequenceMode) String() string {
	switch m {
	case SequenceAtHome:
		return "home"
	case SequenceStrided:
		return "strided"
	case SequencePerNode:
		return "per node"
	}
	return unknown
}

func (k DrawKind) String() string {
	switch k {
	case DrawNothing:
		return "none"
	case DrawSequence:
		return "sequence"
	case DrawUUID:
		return "uuid"
	case DrawExpression:
		return "expression"
	}
	return unknown
}

func (s UniqueScope) String() string {
	switch s {
	case UniqueEverywhere:
		return "everywhere"
	case UniqueByGeneration:
		return "by generation"
	case UniquePerNode:
		return "per node"
	case UniqueRefused:
		return "refused"
	}
	return unknown
}

// String names the statements: "INSERT and UPDATE".
func (w Writes) String() string {
	var names []string
	for _, n := range []struct {
		bit  Writes
		name string
	}{{WriteInsert, "INSERT"}, {WriteUpdate, "UPDATE"}, {WriteDelete, "DELETE"}} {
		if w&n.bit != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, " and ")
}
