package main

import (
	"testing"

	"shardproxy/meta/topology"
)

func TestMoreSeen(t *testing.T) {
	type seen = map[topology.PeerID]peerSeen
	before := seen{"b": {1, false}, "c": {4, true}}
	tests := []struct {
		name   string
		before seen
		now    seen
		want   bool
	}{
		{"this peer leads from now on", nil, before, true},
		{"nothing", before, before, false},
		{"heard of for the first time", seen{}, before, false},
		{"silent", before, seen{"b": {1, true}, "c": {4, true}}, true},
		{"back", before, seen{"b": {1, false}, "c": {4, false}}, true},
		{"started again", before, seen{"b": {2, false}, "c": {4, true}}, true},
		{"removed", before, seen{"b": {1, false}}, false},
	}
	for _, test := range tests {
		var was *seenBy
		if test.before != nil {
			was = &seenBy{7, test.before}
		}
		if got := moreSeen(was, &seenBy{7, test.now}); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
	if !moreSeen(&seenBy{7, before}, &seenBy{9, before}) {
		t.Error("another term is not noticed")
	}
}
