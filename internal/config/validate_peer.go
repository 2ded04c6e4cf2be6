package config

import (
	"fmt"
	"net"
	"regexp"
	"strings"
)

func (r *report) peer(p *Peer) {
	if !peerID.MatchString(p.ID) {
		r.at("peer.id", "%q is not 1 to 63 letters, digits, '-', '_' or '.'", p.ID)
	}
	if p.Bootstrap && len(p.Join) > 0 {
		r.at("peer.join", "a peer either bootstraps a cluster or joins one")
	}
	for i, addr := range p.Join {
		r.joinAddress(fmt.Sprintf("peer.join[%d]", i), addr)
	}
	if p.Clustered() && p.DataDir == "" {
		r.at("peer.data_dir", "must not be empty for a peer of a cluster")
	}
	if t := p.Raft.TLS; (t.Cert == "") != (t.Key == "") || (t.Cert == "") != (t.CA == "") {
		r.at("peer.raft.tls", "cert, key and ca belong together")
	}
	if addr := p.Raft.Advertise; addr != "" {
		if host, port, err := net.SplitHostPort(addr); err != nil || host == "" || port == "0" {
			r.at("peer.raft.advertise", "%q is not a host:port that others can reach", addr)
		}
	}
	beyond := !isLoopback(p.Raft.Listen) || p.Raft.Advertise != "" && !isLoopback(p.Raft.Advertise)
	if p.Clustered() && p.Raft.TLS.Cert == "" && beyond {
		r.at("peer.raft.tls", "cert, key and ca are needed beyond loopback: whoever reaches Raft could rule the cluster and read its passwords")
	}
	if host, _, err := net.SplitHostPort(p.Raft.Listen); p.Clustered() && p.Raft.Advertise == "" && err == nil && unspecified(host) {
		r.at("peer.raft.advertise", "is needed where listen is no address that other peers can use (%s)", p.Raft.Listen)
	}
}

var peerID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)

// joinAddress checks host:port, or a URL.
func (r *report) joinAddress(key, addr string) {
	hostPort := addr
	if scheme, rest, found := strings.Cut(addr, "://"); found {
		if scheme != "http" && scheme != "https" {
			r.at(key, "%q: want host:port, http://host:port or https://host:port", addr)
			return
		}
		hostPort = strings.TrimSuffix(rest, "/")
	}
	if host, port, err := net.SplitHostPort(hostPort); err != nil || host == "" || port == "" {
		r.at(key, "%q: want host:port, http://host:port or https://host:port", addr)
	}
}

func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return true // reported elsewhere
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func unspecified(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}
