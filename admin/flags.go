package admin

import (
	"context"
	"fmt"
	"net/http"

	"shardproxy/meta/topology"
)

// Flags is the answer of /v1/flags: settings of the whole cluster.
type Flags struct {
	Epoch uint64 `json:"epoch"`
	Flags []Flag `json:"flags"`
}

// Flag is a setting of the whole cluster.
type Flag struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Set: somebody set it; else the value is the default.
	Set     bool   `json:"set"`
	Default string `json:"default"`
	Type    string `json:"type"`
	Min     string `json:"min"`
	Max     string `json:"max"`
	Help    string `json:"help"`
}

// FlagValue is the body of PUT /v1/flags/NAME.
type FlagValue struct {
	Value string `json:"value"`
}

func flagOf(t *topology.Topology, f *topology.Flag) Flag {
	_, set := t.Flags[f.Name]
	return Flag{
		Name: f.Name, Value: t.FlagValue(f.Name), Set: set, Default: f.Default,
		Type: f.Type.String(), Min: f.Min, Max: f.Max, Help: f.Help,
	}
}

func (s *Server) flags(w http.ResponseWriter, _ *http.Request) error {
	t, err := s.current()
	if err != nil {
		return err
	}
	answer := Flags{Epoch: uint64(t.Epoch), Flags: []Flag{}}
	for _, f := range topology.FlagTable() {
		answer.Flags = append(answer.Flags, flagOf(t, &f))
	}
	return writeJSON(w, answer)
}

func (s *Server) flag(w http.ResponseWriter, r *http.Request) error {
	t, err := s.current()
	if err != nil {
		return err
	}
	f, err := knownFlag(r.PathValue("name"))
	if err != nil {
		return err
	}
	return writeJSON(w, flagOf(t, f))
}

func knownFlag(name string) (*topology.Flag, error) {
	var names []string
	for _, f := range topology.FlagTable() {
		if f.Name == name {
			return &f, nil
		}
		names = append(names, f.Name)
	}
	return nil, unknownName("flag", name, names)
}

func (s *Server) setFlag(ctx context.Context, c *change) (any, error) {
	var body FlagValue
	if err := readJSON(c.request, &body); err != nil {
		return nil, err
	}
	f, err := knownFlag(c.request.PathValue("name"))
	if err != nil {
		return nil, err
	}
	value, err := f.Canonical(body.Value)
	if err != nil {
		return nil, err
	}
	c.what = fmt.Sprintf("flag %s: %s", f.Name, value)
	return s.decide(ctx, c, func(*topology.Topology) (topology.Command, error) {
		return topology.SetFlag{Name: f.Name, Value: value}, nil
	})
}

func (s *Server) unsetFlag(ctx context.Context, c *change) (any, error) {
	f, err := knownFlag(c.request.PathValue("name"))
	if err != nil {
		return nil, err
	}
	c.what = fmt.Sprintf("flag %s: its default", f.Name)
	return s.decide(ctx, c, func(*topology.Topology) (topology.Command, error) {
		return topology.UnsetFlag{Name: f.Name}, nil
	})
}
