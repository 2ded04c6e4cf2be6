package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"shardproxy/meta/topology"
)

func (r *recovery) printf(format string, args ...any) { fmt.Fprintf(r.out, format, args...) }

// list prints lines below a headline; nothing without any.
func (r *recovery) list(headline string, lines []string) {
	if len(lines) == 0 {
		return
	}
	r.printf("\n%s\n", headline)
	for _, line := range lines {
		r.printf("  - %s\n", line)
	}
}

// describe says what the peer has and what will be done.
func (r *recovery) describe(h *holding, nodes []nodeAnswer) {
	r.printf("Peer %q, data directory %s\n", h.self, r.config.Peer.DataDir)
	if h.served == nil {
		r.printf("  never served\n")
	} else {
		r.printf("  served      epoch %d, since %s\n", h.served.Epoch, h.at.UTC().Format(time.DateTime+" MST"))
		for i, line := range peerLines(h.served) {
			r.printf("  %-11s %s\n", []string{"peers", ""}[min(i, 1)], line)
		}
	}
	if h.served == nil || h.epoch != h.served.Epoch {
		r.printf("  on disk     epoch %d\n", h.epoch)
	}
	for i, n := range nodes {
		text := fmt.Sprintf("accepts epoch %d and later", n.floor)
		if n.err != nil {
			text = strings.ReplaceAll(n.err.Error(), "\n", " ")
		}
		r.printf("  %-11s %s of database %s: %s\n", []string{"nodes", ""}[min(i, 1)], n.node, n.database, text)
	}
	r.list("What recover does:", []string{
		fmt.Sprintf("peer %q becomes the only peer of its cluster, at epoch %d or later", h.self, h.after.Epoch),
		"what the other peers agreed on and this one has not heard of is lost",
		"the nodes refuse the other peers from then on",
	})
	r.printf("\nThe other peers must never start again with what is on their disks.\n")
}

// peerLines lists the peers of a topology.
func peerLines(t *topology.Topology) []string {
	var lines []string
	for _, id := range slices.Sorted(maps.Keys(t.Peers)) {
		kind := "nonvoter"
		if t.Peers[id].Voter {
			kind = "voter"
		}
		lines = append(lines, fmt.Sprintf("%s (%s, %s)", id, t.Peers[id].Raft, kind))
	}
	return lines
}

// doubtsOf says why the lost peers may have changed where rows are, unknown to
// this one: a change that needs a hold raises what the nodes accept before it is
// made.
func doubtsOf(h *holding, nodes []nodeAnswer) []string {
	var doubts []string
	if h.served == nil {
		doubts = append(doubts, "the peer has never served: what it has comes from Raft's log alone")
	}
	asked := make(map[string]bool) // one node of a database knows what all of them do
	for _, n := range nodes {
		asked[n.database] = asked[n.database] || n.err == nil
		if n.floor > h.epoch {
			doubts = append(doubts, fmt.Sprintf("node %s of database %s accepts epoch %d and later, and this peer knows nothing later than %d: "+
				"a change was made since", n.node, n.database, n.floor, h.epoch))
		}
	}
	for _, name := range sortedKeys(h.after.Databases) {
		if !asked[name] {
			doubts = append(doubts, fmt.Sprintf("database %s: no node could be asked whether a change was made since", name))
		}
		if armed := h.after.Databases[name].Armed; armed != nil {
			doubts = append(doubts, fmt.Sprintf("database %s: a change was under way, which will be given up, and may have been made: %s", name, armed.What))
		}
	}
	return doubts
}

// fence has the nodes refuse the other peers and says how it has ended.
func (r *recovery) fence(ctx context.Context, after *topology.Topology) error {
	r.printf("\nPeer %q is the whole cluster now, at epoch %d.\n", r.config.Peer.ID, after.Epoch)
	var errs []error
	for _, n := range fenceNodes(ctx, after) {
		if n.err != nil {
			errs = append(errs, fmt.Errorf("database %q: %w", n.database, n.err))
		}
	}
	r.list("Next:", []string{
		"wipe the data directories of the other peers",
		"start this one: shardproxy serve",
		"start the others with other ids, and with peer.join naming the admin address of this one",
	})
	if len(errs) > 0 {
		errs = append([]error{errors.New("the peer is recovered, but these nodes do not refuse the others yet; run recover again when they can be reached, or make sure that the others never start")}, errs...)
	}
	return withCode(exitNodes, errors.Join(errs...))
}
