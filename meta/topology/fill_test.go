package topology_test

import (
	"fmt"
	"reflect"
	"testing"

	"shardproxy/meta/topology"
)

// removeX returns an entry to put into commands.
func removeX() topology.Entry {
	return topology.Entry(`{"version":1,"kind":"remove_user","body":{"Name":"x"}}`)
}

// commands returns one command of each kind, empty. TestCommandsAreAll holds it
// against the source.
func commands() []topology.Command {
	return []topology.Command{
		topology.BootstrapCluster{},
		topology.Restore{},
		topology.SetAll{},
		topology.PutPeer{},
		topology.RemovePeer{},
		topology.PeerStarted{},
		topology.SetUser{},
		topology.RemoveUser{},
		topology.SetFlag{},
		topology.UnsetFlag{},
		topology.CreateDatabase{},
		topology.DropDatabase{},
		topology.SetPool{},
		topology.Pause{},
		topology.Unpause{},
		topology.SetSchema{},
		topology.SetRules{},
		topology.AddNode{},
		topology.SetNode{},
		topology.RemoveNode{},
		topology.SetOwners{},
		topology.Arm{Change: removeX()},
		topology.CommitArmed{},
		topology.Disarm{},
		topology.PlanMoves{},
		topology.AdvanceMove{},
		topology.GiveUpReverse{},
	}
}

// filled returns the commands with every field set.
func filled(t *testing.T) []topology.Command {
	all := commands()
	for i, c := range all {
		v := reflect.New(reflect.TypeOf(c)).Elem()
		fill(t, v, new(int))
		all[i] = v.Interface().(topology.Command)
	}
	return all
}

// fullTopology returns a value with every field set: not a valid one, but one
// that shows what its encoding leaves out.
func fullTopology(t *testing.T) *topology.Topology {
	top := new(topology.Topology)
	fill(t, reflect.ValueOf(top).Elem(), new(int))
	return top
}

// secret is what fill puts into a text: it must not show in any print.
const secret = "hunter2"

// fill sets every field to something that is not its zero, the same each time.
func fill(t *testing.T, v reflect.Value, n *int) {
	*n++
	if v.Type() == reflect.TypeFor[topology.Entry]() {
		v.SetBytes(removeX())
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(1 + *n%100))
	case reflect.String:
		v.SetString(fmt.Sprintf("%s-%d", secret, *n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), n)
		fill(t, v.Index(1), n)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, n)
		fill(t, value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	default:
		t.Fatalf("no filling for %s", v.Type())
	}
}
