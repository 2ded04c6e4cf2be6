package meta

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"shardproxy/meta/topology"
)

// proposalsKept is how many of the latest proposals are remembered, so that one
// that is sent again is not applied again. Changing it changes the replicated
// state: all peers must agree on it.
const proposalsKept = 1024

const (
	proposalVersion = 1
	// version, lineage, id, since
	proposalHeader = 1 + 8 + 16 + 8
)

// errProposalVersion: an entry of a newer program.
var errProposalVersion = errors.New("the entry has a form that this program does not know")

// proposalID is drawn at random for each change, and the same when its proposal
// is sent again because the outcome was not seen.
type proposalID [16]byte

// proposal is an entry of Raft's log: a command with its id.
type proposal struct {
	lineage lineage
	id      proposalID
	// since is an index of the log that was applied before the proposal was
	// sent for the first time. If a proposal from after it has been forgotten
	// meanwhile, it may be this one.
	since uint64
	entry []byte
}

func (p *proposal) encode() []byte {
	b := make([]byte, 0, proposalHeader+len(p.entry))
	b = append(b, proposalVersion)
	b = append(b, p.lineage[:]...)
	b = append(b, p.id[:]...)
	b = binary.BigEndian.AppendUint64(b, p.since)
	return append(b, p.entry...)
}

// decodeProposal keeps no reference to b.
func decodeProposal(b []byte) (*proposal, error) {
	if len(b) < proposalHeader || b[0] != proposalVersion {
		return nil, errProposalVersion
	}
	p := &proposal{since: binary.BigEndian.Uint64(b[25:]), entry: slices.Clone(b[proposalHeader:])}
	copy(p.lineage[:], b[1:])
	copy(p.id[:], b[9:])
	return p, nil
}

// proposals remembers the latest ones that were applied. It is part of the
// replicated state.
type proposals struct {
	applied map[proposalID]appliedProposal
	order   []appliedProposal // the oldest first
	// forgotten is the index of the newest one that is not remembered any more.
	forgotten uint64
}

type appliedProposal struct {
	id      proposalID
	index   uint64
	epoch   topology.Epoch // that it led to
	changed bool           // it was not so before already
}

func newProposals() *proposals {
	return &proposals{applied: make(map[proposalID]appliedProposal)}
}

// find returns what a proposal led to when it was applied before. It
// fails with ErrUnknownOutcome when it may have been, too long ago.
func (p *proposals) find(sent *proposal) (_ appliedProposal, found bool, err error) {
	if before, ok := p.applied[sent.id]; ok {
		return before, true, nil
	}
	if sent.since < p.forgotten {
		return appliedProposal{}, false, fmt.Errorf("meta: %w: %w", ErrUnknownOutcome, errForgotten)
	}
	return appliedProposal{}, false, nil
}

func (p *proposals) remember(a appliedProposal) {
	if len(p.order) >= proposalsKept {
		oldest := p.order[0]
		delete(p.applied, oldest.id)
		p.forgotten = oldest.index
		p.order = slices.Delete(p.order, 0, 1)
	}
	p.order = append(p.order, a)
	p.applied[a.id] = a
}

// encode appends what is remembered to b.
func (p *proposals) encode(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, p.forgotten)
	b = binary.BigEndian.AppendUint32(b, uint32(len(p.order)))
	for _, a := range p.order {
		b = append(b, a.id[:]...)
		b = binary.BigEndian.AppendUint64(b, a.index)
		b = binary.BigEndian.AppendUint64(b, uint64(a.epoch))
		if a.changed {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	return b
}

var errShortState = errors.New("the state ends early")

// decodeProposals reads what encode wrote, and returns what follows it.
func decodeProposals(b []byte) (_ *proposals, rest []byte, err error) {
	const each = 16 + 8 + 8 + 1
	if len(b) < 12 {
		return nil, nil, errShortState
	}
	p := newProposals()
	p.forgotten = binary.BigEndian.Uint64(b)
	count := int64(binary.BigEndian.Uint32(b[8:]))
	b = b[12:]
	if count > proposalsKept || int64(len(b)) < count*each {
		return nil, nil, fmt.Errorf("%w: %d proposals", errShortState, count)
	}
	for range count {
		var a appliedProposal
		copy(a.id[:], b)
		a.index = binary.BigEndian.Uint64(b[16:])
		a.epoch = topology.Epoch(binary.BigEndian.Uint64(b[24:]))
		a.changed = b[32] != 0
		p.order = append(p.order, a)
		p.applied[a.id] = a
		b = b[each:]
	}
	return p, b, nil
}
