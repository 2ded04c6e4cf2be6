package pgsession

import (
	"strconv"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
)

// The binary form of arrays, composites and records names the types inside by
// their OIDs. Values are not translated, so where OIDs differ from the home
// node's such values are refused in binary form, before anything is sent.

// holdsOIDs reports whether values of a type hold OIDs in binary form that
// differ between nodes. A type that the home node does not know may.
func (m *machine) holdsOIDs(oid uint32) bool {
	return oid == 0 || m.db.Types.Containers[oid]
}

// binaryRefused is the refusal of a value in binary form.
func binaryRefused(what string, oid uint32) *sqlerr.Error {
	return sqlerr.NotSupported(what + " in binary format is not supported").
		WithDetail("Values of its type, with the OID " + strconv.FormatUint(uint64(oid), 10) +
			", hold OIDs of user-defined types, which differ between the nodes.").
		WithHint("Use the text format for arrays, composites and records of user-defined types.")
}

func parameterName(i int) string { return "parameter $" + strconv.Itoa(i+1) }
func columnName(i int) string    { return "result column " + strconv.Itoa(i+1) }

// foreign reports whether a portal runs, or might run, on a node where type OIDs
// differ.
func (m *machine) foreign(o *op) bool {
	if m.db.Types == nil {
		return false
	}
	node, settled := m.runsOn(o)
	return !settled || !m.db.Types.Alike(node)
}

// undescribed reports whether a Bind has values in binary form of types that
// only a server knows.
func undescribed(o *op) bool {
	if o.statement.signature != nil {
		return false
	}
	for i := range o.bind.Params() {
		if o.bind.ParamFormat(i) == pgwire.FormatBinary && o.statement.parameterType(i+1) == 0 {
			return true
		}
	}
	return binaryResults(&o.bind)
}

// binaryResults reports whether a Bind asks for anything in binary format.
func binaryResults(b *pgwire.Bind) bool {
	for i := range b.ResultFormats() {
		if b.ResultFormat(i) == pgwire.FormatBinary {
			return true
		}
	}
	return false
}

// runsOn returns the node of a portal; of several, one where types differ. Where
// nothing has settled it yet, any node will do, and the home node is returned.
func (m *machine) runsOn(o *op) (node topology.NodeIndex, settled bool) {
	pl := &o.portal.plan
	switch {
	case pl.Class == plan.Single:
		return pl.Node, true
	case pl.Class == plan.Subset || pl.Class == plan.Scatter:
		for node := range pl.Nodes.All() {
			if !m.db.Types.Alike(node) {
				return node, true
			}
		}
		return m.db.Home(), true
	case m.batch.keyed:
		return m.batch.target, true
	case m.link != nil && (m.tied() || m.batch.tied):
		return m.link.node, true
	}
	return m.db.Home(), false
}

// needSignature makes the batch wait until the types of a statement are known,
// if they matter. It reports whether it does.
func (m *machine) needSignature(o *op) (waits bool, err *sqlerr.Error) {
	if m.db.Types == nil || !undescribed(o) || !m.foreign(o) {
		return false, nil
	}
	if m.pinned != "" && m.describer() == nil {
		return false, sqlerr.NotSupported("the binary format of a statement that was not described is not supported here").
			WithDetail("The session is tied to its node because of " + m.pinned + ".").
			WithHint("Send Sync, or Describe the statement first, or use the text format.")
	}
	m.batch.first = &describeTask{statement: o.statement}
	return true, nil
}

// checkBinary refuses a Bind with values that cannot be translated. A portal
// that may run anywhere runs on the home node then, where nothing has to be.
func (m *machine) checkBinary(o *op) *sqlerr.Error {
	if s := o.statement.signature; s != nil && !s.holdsOIDs || !m.foreign(o) {
		return nil
	}
	refusal := m.untranslated(o)
	if refusal == nil {
		return nil
	}
	if node, settled := m.runsOn(o); !settled {
		m.batch.target, m.batch.keyed, m.batch.binds = node, true, true
		return nil
	}
	return refusal
}

// untranslated finds a value of a Bind that cannot be translated.
func (m *machine) untranslated(o *op) *sqlerr.Error {
	for i := range o.bind.Params() {
		oid := o.statement.parameterType(i + 1)
		if m.holdsOIDs(oid) && o.bind.ParamFormat(i) == pgwire.FormatBinary {
			return binaryRefused(parameterName(i), oid)
		}
	}
	if o.statement.signature == nil {
		return nil // no results in binary form
	}
	for i, oid := range o.statement.signature.columns {
		if m.holdsOIDs(oid) && o.bind.ResultFormat(i) == pgwire.FormatBinary {
			return binaryRefused(columnName(i), oid)
		}
	}
	return nil
}

// guarded reports whether the columns of a portal have to be looked at as it is
// opened: whatever was described before, those of FETCH are its cursor's, and a
// temporary table may have been made anew.
func (m *machine) guarded(o *op) bool {
	if m.db.Types == nil || m.pinned == "" && kindOf(&o.portal.plan) != querytree.Fetch {
		return false
	}
	return binaryResults(&o.bind) && m.foreign(o)
}
