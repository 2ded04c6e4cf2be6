package meta

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/raft"

	"shardproxy/meta/topology"
)

// PathPrefix begins the paths of the calls between peers that the store answers
// itself.
const PathPrefix = "/meta/v1/"

// peerHeader names the calling peer. A request without it comes from something
// else, such as a browser that was made to send one.
const peerHeader = "Shardproxy-Peer"

// lineageHeader names the caller's lineage, empty if it knows none yet.
const lineageHeader = "Shardproxy-Lineage"

const (
	peerHeaderLimit = 64 << 10
	peerBodyTimeout = time.Minute
	peerIdleTimeout = 2 * time.Minute
	// The client gives an idle connection up before the server does.
	clientIdleTimeout = peerIdleTimeout / 2
	clientIdlePerHost = 4
)

// newServer answers the other peers' calls.
func (s *Store) newServer() *http.Server {
	mux := http.NewServeMux()
	mux.Handle("POST "+PathPrefix+"propose", answer(s, s.answerProposal))
	mux.Handle("POST "+PathPrefix+"report", answer(s, s.answerReport))
	mux.Handle("POST "+PathPrefix+"join", answer(s, s.answerJoin))
	mux.Handle("POST "+PathPrefix+"remove", answer(s, s.answerRemove))
	mux.Handle("POST "+PathPrefix+"promote", answer(s, s.answerPromote))
	mux.Handle("POST "+PathPrefix+"self", answer(s, s.answerSelf))
	mux.Handle("/", s.options.Handler)
	return &http.Server{
		Handler:           s.counted(mux),
		ReadHeaderTimeout: helloTimeout, ReadTimeout: peerBodyTimeout, IdleTimeout: peerIdleTimeout,
		MaxHeaderBytes: peerHeaderLimit,
		ErrorLog:       log.New(logWriter{s.logger}, "", 0),
	}
}

// counted lets release wait for the calls that are being answered.
func (s *Store) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(peerHeader) == "" {
			http.Error(w, "this is for other peers; shardctl and browsers use the admin address", http.StatusForbidden)
			return
		}
		if !s.calls.begin() {
			writeError(w, toWire(fmt.Errorf("%w: %w", ErrNotLeader, ErrClosed)))
			return
		}
		defer s.calls.end()
		next.ServeHTTP(w, r)
	})
}

// answer makes a handler of a function from request to response, both JSON.
func answer[Request, Response any](s *Store, f func(context.Context, *Request) (*Response, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		theirs, ours := r.Header.Get(lineageHeader), s.lineage().String()
		if theirs != "" && ours != "" && theirs != ours {
			writeError(w, toWire(fmt.Errorf("meta: peer %q is of another cluster: %w", s.self.ID, ErrNotLeader)))
			return
		}
		var request Request
		if err := decodeCall(r.Body, &request); err != nil {
			writeError(w, toWire(fmt.Errorf("meta: call of another peer: %w: %w", ErrRefused, err)))
			return
		}
		response, err := f(r.Context(), &request)
		if err != nil {
			wire := toWire(err)
			address, _ := s.raft.LeaderWithID()
			wire.Leader = string(address)
			writeError(w, wire)
			return
		}
		writeJSON(w, http.StatusOK, response)
	})
}

func writeError(w http.ResponseWriter, e *wireError) { writeJSON(w, http.StatusConflict, e) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	content, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the answer cannot be encoded", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(content) // the other side has gone
}

// newClient calls other peers by their address.
func (s *Store) newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			conn, err := s.listener.dial(ctx, address)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrNoConnection, err)
			}
			return conn, nil
		},
		DisableCompression: true, MaxIdleConnsPerHost: clientIdlePerHost, IdleConnTimeout: clientIdleTimeout,
		MaxResponseHeaderBytes: peerHeaderLimit,
	}}
}

// RoundTripper sends requests to a peer, to the handlers it was given in
// Options.Handler. Scheme and host of a request's URL are replaced. A peer that
// is not known is ErrNotFound of package topology. The other peer has to bound
// what it reads of the body.
func (s *Store) RoundTripper(id topology.PeerID) http.RoundTripper { return peerTransport{s, id} }

type peerTransport struct {
	store *Store
	id    topology.PeerID
}

// RoundTrip implements http.RoundTripper.
func (p peerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	address := p.store.address(p.id)
	if address == "" || p.store.client == nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, fmt.Errorf("meta: peer %q: %w", p.id, topology.ErrNotFound)
	}
	r = r.Clone(r.Context())
	r.Header.Set(peerHeader, string(p.store.self.ID))
	r.URL.Scheme, r.URL.Host, r.Host = "http", address, ""
	return p.store.client.Transport.RoundTrip(r)
}

// address is where a peer listens, "" for a peer that is not known.
func (s *Store) address(id topology.PeerID) string {
	if peer := s.fsm.value().Peers[id]; peer != nil && peer.Raft != "" {
		return peer.Raft
	}
	server, _ := s.server(id)
	return string(server.Address)
}

// addresses are those of all other peers.
func (s *Store) addresses() []string {
	var all []string
	for _, server := range s.servers() {
		if server.ID != raft.ServerID(s.self.ID) {
			all = append(all, s.address(topology.PeerID(server.ID)))
		}
	}
	return all
}
