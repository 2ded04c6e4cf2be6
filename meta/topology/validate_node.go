package topology

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"shardproxy/ring"
)

func (d *Database) validateNodes() error {
	if len(d.Nodes) == 0 || len(d.Nodes) > MaxNodes {
		return fmt.Errorf("it has %d nodes; 1 to %d are possible", len(d.Nodes), MaxNodes)
	}
	var errs []error
	slots := make(map[Slot]NodeID, len(d.Nodes))
	for i, n := range d.Nodes {
		if first, ok := d.NodeNamed(n.ID); n.ID == "" || !ok || int(first) != i {
			errs = append(errs, fmt.Errorf("node name %q is empty or used twice", n.ID))
		}
		if other, taken := slots[n.Slot]; taken {
			errs = append(errs, fmt.Errorf("nodes %q and %q have the same slot %d", other, n.ID, n.Slot))
		}
		slots[n.Slot] = n.ID
		if n.Slot >= Stride {
			errs = append(errs, fmt.Errorf("node %q: slot %d is not below %d", n.ID, n.Slot, Stride))
		}
		if n.Weight < 0 || n.Weight > ring.MaxWeight {
			errs = append(errs, fmt.Errorf("node %q: weight %d is negative or above %d", n.ID, n.Weight, ring.MaxWeight))
		}
		if n.State.String() == unknown {
			errs = append(errs, fmt.Errorf("node %q: state %d is unknown", n.ID, n.State))
		}
	}
	return errors.Join(errs...)
}

func (t *Topology) validatePeers() error {
	var errs []error
	seen := make(map[string]PeerID)
	for _, id := range sorted(t.Peers) {
		p := t.Peers[id]
		if p == nil || p.ID != id || id == "" {
			errs = append(errs, fmt.Errorf("peer %q is empty or stored under another name", id))
			continue
		}
		if p.Commands < 1 {
			errs = append(errs, fmt.Errorf("peer %q: command version %d is not above 0", id, p.Commands))
		}
		for _, address := range []string{p.Raft, p.Admin} {
			if err := validateAddress(address); err != nil {
				errs = append(errs, fmt.Errorf("peer %q: %w", id, err))
			}
		}
		if other, taken := seen[p.Raft]; taken && p.Raft != "" {
			errs = append(errs, fmt.Errorf("peers %q and %q have the same address %s", other, id, p.Raft))
		}
		seen[p.Raft] = id
	}
	if len(t.Peers) > 0 && len(errs) == 0 && t.Voters() == 0 {
		errs = append(errs, errors.New("no peer votes"))
	}
	return errors.Join(errs...)
}

// validateAddress accepts "", or a host and the number of a port; an IPv6
// address stands in brackets.
func validateAddress(address string) error {
	if address == "" {
		return nil
	}
	colon := strings.LastIndexByte(address, ':')
	host, port := address[:max(colon, 0)], address[colon+1:]
	if inner, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inner, "]") {
		host = strings.TrimSuffix(inner, "]")
	} else if strings.Contains(host, ":") {
		host = ""
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" {
		return fmt.Errorf("address %q is not host:port", address)
	}
	return nil
}

func (t *Topology) validateFlags() error {
	var errs []error
	for _, name := range sorted(t.Flags) {
		f, err := flagNamed(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if value, err := f.Canonical(t.Flags[name]); err != nil {
			errs = append(errs, err)
		} else if value != t.Flags[name] {
			errs = append(errs, fmt.Errorf("flag %s: %q should be spelled %q", name, t.Flags[name], value))
		}
	}
	return errors.Join(errs...)
}
