package topology_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"shardproxy/meta/topology"
)

// hidden is put into everything that must not be printed.
const hidden = "swordfish"

// secretive returns values of every type that holds secrets, by what they are.
func secretive(t *testing.T) map[string]any {
	dsn := "postgres://app:" + hidden + "@10.0.0.1/app"
	user := topology.User{Name: "ada", Secret: hidden, BackendUser: "app", BackendPassword: hidden}
	node := topology.Node{ID: "pg-1", Weight: 1, DSN: dsn, AdminDSN: dsn}
	db := database()
	db.Nodes[0].DSN, db.Nodes[1].AdminDSN = dsn, dsn
	add := topology.AddNode{Database: "app", Node: node}
	all, err := topology.Batch(topology.SetUser{User: user}, add)
	if err != nil {
		t.Fatal(err)
	}
	arm, err := topology.NewArm("app", add, topology.Hold{})
	if err != nil {
		t.Fatal(err)
	}
	db.Armed = &topology.Armed{ID: 1, Change: arm.Change, What: "add a node"}
	top := &topology.Topology{
		Epoch: 1, ClusterID: "c", Databases: map[string]*topology.Database{"app": db},
		Users: map[string]*topology.User{"ada": &user},
	}
	return map[string]any{
		"user": user, "*user": &user, "node": node, "*node": &node, "nodes": db.Nodes, "users": []*topology.User{&user},
		"database": db, "database itself": *db, "topology": top, "topology itself": *top,
		"entry": arm.Change, "armed": *db.Armed, "*armed": db.Armed,
		"bootstrap": topology.BootstrapCluster{ClusterID: "c", Users: []*topology.User{&user}, Databases: []*topology.Database{db}},
		"restore":   topology.Restore{Topology: top},
		"set all":   all,
		"set user":  topology.SetUser{User: user},
		"create":    topology.CreateDatabase{Database: db},
		"add node":  add,
		"set node":  topology.SetNode{Database: "app", Node: "pg-1", DSN: &dsn, AdminDSN: &dsn},
		"arm":       arm,
		"wrapped":   struct{ Inner any }{&topology.SetUser{User: user}},
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	for name, v := range secretive(t) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%X", "% x"} {
			if text := fmt.Sprintf(verb, v); shows(text) {
				t.Errorf("%s with %s: %s", name, verb, text)
			}
		}
		if text := fmt.Sprint(fmt.Errorf("it failed: %v", v)); shows(text) {
			t.Errorf("%s in an error: %s", name, text)
		}
	}
}

// TestSecretsAreNotLogged: with either handler of log/slog. A JSON handler
// writes out what a plain struct holds, so what is handed to a logger must be
// the value itself, not something around it.
func TestSecretsAreNotLogged(t *testing.T) {
	for name, v := range secretive(t) {
		switch name {
		case "nodes", "users", "database itself", "topology itself", "wrapped":
			continue
		}
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "value", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "value", v)
		if shows(out.String()) || strings.Contains(out.String(), "panicked") {
			t.Errorf("%s: %s", name, out.String())
		}
	}
}

// shows looks for the secret as it is, in hexadecimal and as numbers.
func shows(text string) bool {
	text = strings.ToLower(text)
	spaced := strings.TrimSpace(fmt.Sprintf("% x", hidden))
	numbers := strings.Trim(fmt.Sprint([]byte(hidden)), "[]")
	// Entries hold base64 inside of base64; what they print is their length.
	for _, form := range []string{hidden, fmt.Sprintf("%x", hidden), spaced, numbers, "c3dvcmrmaxno"} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

// Every command says what it does, whatever it holds.
func TestCommandsPrint(t *testing.T) {
	for _, list := range [][]topology.Command{commands(), filled(t)} {
		for _, c := range list {
			if text := fmt.Sprintf("%+v", c); text == "" || text != c.String() {
				t.Errorf("%T prints %q and says %q", c, text, c.String())
			}
		}
	}
	var none *topology.Topology
	var noDatabase *topology.Database
	if none.String() == "" || noDatabase.String() == "" {
		t.Error("nil says nothing")
	}
}

// The encodings do have the secrets: they are what the cluster lives by.
func TestSecretsAreEncoded(t *testing.T) {
	values := secretive(t)
	data := encode(t, values["topology"].(*topology.Topology))
	entry, err := topology.EncodeCommand(values["set user"].(topology.Command), 0)
	if err != nil || bytes.Count(data, []byte(hidden)) < 4 || !bytes.Contains(entry, []byte(hidden)) {
		t.Errorf("%v: %s", err, entry)
	}
}
