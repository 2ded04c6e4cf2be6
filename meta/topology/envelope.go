package topology

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// envelope is the form of an entry.
type envelope struct {
	Version int             `json:"version"`
	Kind    string          `json:"kind"`
	On      Epoch           `json:"on,omitzero"`
	Body    json.RawMessage `json:"body"`
}

// EncodeCommand makes an entry of a command. on is the epoch it was decided on;
// Apply refuses it at any other one. 0 applies at any epoch.
//
// What no peer could read is refused with ErrInvalid: a pointer to a command,
// which no type switch knows, or a command with an entry that is none.
func EncodeCommand(c Command, on Epoch) ([]byte, error) {
	if v := reflect.ValueOf(c); v.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%T is not a command by value: %w", c, ErrInvalid)
	}
	for _, e := range innerEntries(c) {
		if _, err := e.inner(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", c, ErrInvalid, err.Error())
		}
	}
	return encodeEntry(c, VersionOf(c), on)
}

// innerEntries returns the entries that a command is made of.
func innerEntries(c Command) []Entry {
	switch c := c.(type) {
	case SetAll:
		return c.Commands
	case Arm:
		return []Entry{c.Change}
	}
	return nil
}

func encodeEntry(c Command, version int, on Epoch) ([]byte, error) {
	body, err := marshal(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	return marshal(envelope{Version: version, Kind: c.kind(), On: on, Body: body})
}

// DecodeCommand reads an entry and returns the epoch it was decided on, 0 for
// none. Every error wraps ErrUnknownCommand.
func DecodeCommand(entry []byte) (Command, Epoch, error) {
	var e envelope
	if err := unmarshal(entry, &e); err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrUnknownCommand, err)
	}
	if e.Version < 1 || e.Version > CommandVersion {
		return nil, 0, fmt.Errorf("%w: %q has version %d, and this peer knows those up to %d; upgrade it", ErrUnknownCommand, e.Kind, e.Version, CommandVersion)
	}
	c, err := decodeBody(e.Kind, e.Body)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %q: %w", ErrUnknownCommand, e.Kind, err)
	}
	again, err := encodeEntry(c, e.Version, e.On)
	if err == nil && !bytes.Equal(again, entry) {
		err = errNotCanonical
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %q: %w", ErrUnknownCommand, e.Kind, err)
	}
	return c, e.On, nil
}

func decodeAs[C Command](body []byte) (Command, error) {
	var c C
	err := unmarshal(body, &c)
	return c, err
}

func decodeBody(kind string, body []byte) (Command, error) {
	switch kind {
	case BootstrapCluster{}.kind():
		return decodeAs[BootstrapCluster](body)
	case Restore{}.kind():
		return decodeAs[Restore](body)
	case SetAll{}.kind():
		return decodeAs[SetAll](body)
	case PutPeer{}.kind():
		return decodeAs[PutPeer](body)
	case RemovePeer{}.kind():
		return decodeAs[RemovePeer](body)
	case PeerStarted{}.kind():
		return decodeAs[PeerStarted](body)
	case SetUser{}.kind():
		return decodeAs[SetUser](body)
	case RemoveUser{}.kind():
		return decodeAs[RemoveUser](body)
	case SetFlag{}.kind():
		return decodeAs[SetFlag](body)
	case UnsetFlag{}.kind():
		return decodeAs[UnsetFlag](body)
	case CreateDatabase{}.kind():
		return decodeAs[CreateDatabase](body)
	case DropDatabase{}.kind():
		return decodeAs[DropDatabase](body)
	case SetPool{}.kind():
		return decodeAs[SetPool](body)
	case Pause{}.kind():
		return decodeAs[Pause](body)
	case Unpause{}.kind():
		return decodeAs[Unpause](body)
	case SetSchema{}.kind():
		return decodeAs[SetSchema](body)
	case SetRules{}.kind():
		return decodeAs[SetRules](body)
	case AddNode{}.kind():
		return decodeAs[AddNode](body)
	case SetNode{}.kind():
		return decodeAs[SetNode](body)
	case RemoveNode{}.kind():
		return decodeAs[RemoveNode](body)
	case SetOwners{}.kind():
		return decodeAs[SetOwners](body)
	case Arm{}.kind():
		return decodeAs[Arm](body)
	case CommitArmed{}.kind():
		return decodeAs[CommitArmed](body)
	case Disarm{}.kind():
		return decodeAs[Disarm](body)
	case PlanMoves{}.kind():
		return decodeAs[PlanMoves](body)
	case AdvanceMove{}.kind():
		return decodeAs[AdvanceMove](body)
	case GiveUpReverse{}.kind():
		return decodeAs[GiveUpReverse](body)
	}
	return nil, errors.New("no command of that name is known")
}
