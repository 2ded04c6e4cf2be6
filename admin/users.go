package admin

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"shardproxy/meta/topology"
)

// Users is the answer of /v1/users.
type Users struct {
	Epoch uint64 `json:"epoch"`
	Users []User `json:"users"`
}

// User may log in to the proxy. What it proves to know is never shown.
type User struct {
	Name string `json:"name"`
	// Login is password, or certificate for those who have no password.
	Login          string   `json:"login"`
	Databases      []string `json:"databases"`                 // empty: all
	BackendUser    string   `json:"backend_user,omitempty"`    // empty: what the node's DSN says
	NodeHints      bool     `json:"node_hints,omitempty"`      // may name a node in a hint
	SessionPooling bool     `json:"session_pooling,omitempty"` // keeps one backend
}

// UserSettings is the body of PUT /v1/users/NAME. What is absent stays as it
// is, or has its default where the user is new.
type UserSettings struct {
	// Password is the plain password. The server stores its verifier.
	Password *Secret `json:"password,omitempty"`
	// Secret is a SCRAM-SHA-256 verifier as PostgreSQL stores it, in place of
	// Password. Empty: the user logs in by certificate only.
	Secret *Secret `json:"secret,omitempty"`
	// Databases the user may name; empty: all.
	Databases *[]string `json:"databases,omitempty"`
	// BackendUser and BackendPassword log in to the nodes; empty: what the
	// node's DSN says.
	BackendUser     *string `json:"backend_user,omitempty"`
	BackendPassword *Secret `json:"backend_password,omitempty"`
	NodeHints       *bool   `json:"node_hints,omitempty"`
	SessionPooling  *bool   `json:"session_pooling,omitempty"`
}

func userOf(u *topology.User) User {
	shown := User{
		Name: u.Name, Login: "password", Databases: u.Databases,
		BackendUser: u.BackendUser, NodeHints: u.NodeHints, SessionPooling: u.SessionPooling,
	}
	if u.Secret == "" {
		shown.Login = "certificate"
	}
	if shown.Databases == nil {
		shown.Databases = []string{}
	}
	return shown
}

func (s *Server) users(w http.ResponseWriter, _ *http.Request) error {
	t, err := s.current()
	if err != nil {
		return err
	}
	answer := Users{Epoch: uint64(t.Epoch), Users: []User{}}
	for _, name := range slices.Sorted(maps.Keys(t.Users)) {
		answer.Users = append(answer.Users, userOf(t.Users[name]))
	}
	return writeJSON(w, answer)
}

func (s *Server) user(w http.ResponseWriter, r *http.Request) error {
	t, err := s.current()
	if err != nil {
		return err
	}
	u, err := knownUser(t, r.PathValue("name"))
	if err != nil {
		return err
	}
	return writeJSON(w, userOf(u))
}

func knownUser(t *topology.Topology, name string) (*topology.User, error) {
	if u := t.Users[name]; u != nil {
		return u, nil
	}
	return nil, unknownName("user", name, slices.Sorted(maps.Keys(t.Users)))
}

func (s *Server) setUser(ctx context.Context, c *change) (any, error) {
	name := c.request.PathValue("name")
	var body UserSettings
	if err := readJSON(c.request, &body); err != nil {
		return nil, err
	}
	if err := checkUserName(name); err != nil {
		return nil, err
	}
	sealed, err := body.sealed()
	if err != nil {
		return nil, err
	}
	return s.decide(ctx, c, func(t *topology.Topology) (topology.Command, error) {
		user, differences, err := mergeUser(t, name, &body, sealed)
		c.what = strings.Join(append([]string{"set user " + name}, lines(differences)...), "; ")
		return topology.SetUser{User: user}, err
	})
}

func (s *Server) removeUser(ctx context.Context, c *change) (any, error) {
	name := c.request.PathValue("name")
	return s.decide(ctx, c, func(t *topology.Topology) (topology.Command, error) {
		u, err := knownUser(t, name)
		if err != nil {
			return nil, err
		}
		c.what = "remove user " + u.Name
		return topology.RemoveUser{Name: name}, nil
	})
}
