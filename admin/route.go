package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// door is where a request came in.
type door uint8

const (
	// frontDoor is the admin listener.
	frontDoor door = iota + 1
	// peersDoor is where other peers forward requests to. They have
	// authenticated who asks, and themselves.
	peersDoor
)

// path is what one path answers.
type path struct {
	// pattern is that of http.ServeMux, without a method.
	pattern string
	methods []method
}

// method is what a path answers to one method: read, or change.
type method struct {
	name string
	// open answers those who show no token too.
	open bool
	read func(http.ResponseWriter, *http.Request) error
	// viaLeader: the leader's answer is better than this peer's.
	viaLeader bool
	// change is only called on the leader. Its answer is written as JSON.
	change func(context.Context, *change) (any, error)
	// audited: others want to know that it was read.
	audited bool
	// body bounds the request in bytes; 0: Options.MaxBody.
	body int64
}

func get(read func(http.ResponseWriter, *http.Request) error) method {
	return method{name: http.MethodGet, read: read}
}

func changing(name string, do func(context.Context, *change) (any, error)) method {
	return method{name: name, change: do}
}

// paths are all that the sources of the options can answer.
func (s *Server) paths() []path {
	health := get(func(w http.ResponseWriter, _ *http.Request) error { return writeText(w, "ok\n") })
	ready := get(s.readyz)
	health.open, ready.open = true, true
	paths := []path{{"/healthz", []method{health}}, {"/readyz", []method{ready}}}
	if s.opts.Gatherer != nil {
		paths = append(paths, path{"/metrics", []method{get(s.metrics())}})
	}
	if s.opts.Topology == nil {
		return paths
	}
	paths = append(paths,
		path{"/v1/status", []method{get(s.status)}},
		path{"/v1/tables", []method{get(s.tables)}},
		path{"/v1/ring", []method{get(s.ring)}},
	)
	if s.opts.Explainer != nil {
		paths = append(paths, path{"/v1/explain", []method{{name: http.MethodPost, read: s.explain}}})
	}
	paths = append(paths, s.peerPaths()...)
	paths = append(paths, s.nodePaths()...)
	return append(paths, s.topologyPaths()...)
}

// peerPaths are about who is a peer.
func (s *Server) peerPaths() []path {
	list := get(s.peers)
	list.viaLeader = true
	all := path{"/v1/peers", []method{list}}
	if s.opts.Members == nil {
		return []path{all}
	}
	all.methods = append(all.methods, changing(http.MethodPost, s.joinPeer))
	return []path{
		all,
		{"/v1/peers/{id}", []method{changing(http.MethodDelete, s.removePeer)}},
		{"/v1/peers/{id}/promote", []method{changing(http.MethodPost, s.promotePeer)}},
	}
}

// nodePaths are about the nodes.
func (s *Server) nodePaths() []path {
	all := path{"/v1/nodes", []method{get(s.nodes)}}
	if s.opts.Nodes == nil {
		return []path{all}
	}
	all.methods = append(all.methods, changing(http.MethodPost, s.addNode))
	return []path{all, {"/v1/nodes/{name}", []method{
		changing(http.MethodPut, s.setNode), changing(http.MethodDelete, s.removeNode),
	}}}
}

// topologyPaths are about what a change of the topology alone can change.
func (s *Server) topologyPaths() []path {
	users, user := []method{get(s.users)}, []method{get(s.user)}
	flags, flag := []method{get(s.flags)}, []method{get(s.flag)}
	backup := get(s.backup)
	backup.audited = true
	paths := []path{{"/v1/users", users}, {"/v1/flags", flags}, {"/v1/backup", []method{backup}}}
	if s.opts.Changes != nil {
		user = append(user, changing(http.MethodPut, s.setUser), changing(http.MethodDelete, s.removeUser))
		flag = append(flag, changing(http.MethodPut, s.setFlag), changing(http.MethodDelete, s.unsetFlag))
		restore := changing(http.MethodPost, s.restore)
		restore.body = s.opts.MaxBackup
		paths = append(paths,
			path{"/v1/databases/{name}/pause", []method{changing(http.MethodPost, s.pause)}},
			path{"/v1/databases/{name}/unpause", []method{changing(http.MethodPost, s.unpause)}},
			path{"/v1/apply", []method{changing(http.MethodPost, s.apply)}},
			path{"/v1/restore", []method{restore}},
		)
	}
	return append(paths, path{"/v1/users/{name}", user}, path{"/v1/flags/{name}", flag})
}

// method finds what a request asks for, and says what there is otherwise.
func (p *path) method(w http.ResponseWriter, r *http.Request) (*method, error) {
	names := make([]string, len(p.methods))
	for i := range p.methods {
		names[i] = p.methods[i].name
		if names[i] == r.Method || names[i] == http.MethodGet && r.Method == http.MethodHead {
			return &p.methods[i], nil
		}
	}
	slices.Sort(names)
	w.Header().Set("Allow", strings.Join(names, ", "))
	return nil, newProblem(CodeMethodNotAllowed, r.URL.Path+" takes "+strings.Join(names, ", "))
}
