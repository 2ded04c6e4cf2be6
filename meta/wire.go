package meta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"shardproxy/meta/topology"
)

// maxCall bounds the body of a call between peers, and of its answer.
const maxCall = 64 << 20

// wireError carries an error from peer to peer, so that errors.Is and errors.As
// find the same there.
type wireError struct {
	// Codes name what the error wraps, see wireCodes.
	Codes    []string           `json:"codes"`
	Text     string             `json:"text"`
	Conflict *topology.Conflict `json:"conflict,omitempty"`
	// Leader is where to ask instead: a peer address. Empty: not known.
	Leader string `json:"leader,omitempty"`
}

type wireCode struct {
	code string
	err  error
}

// wireCodes are the errors that have a name between peers. Names never change.
func wireCodes() []wireCode {
	return []wireCode{
		{"no_leader", ErrNoLeader},
		{"unknown_outcome", ErrUnknownOutcome},
		{"forgotten", errForgotten},
		{"refused", ErrRefused},
		{"not_leader", ErrNotLeader},
		{"removed", ErrRemoved},
		{"version", ErrVersion},
		{"closed", ErrClosed},
		{"unknown_command", topology.ErrUnknownCommand},
		{"not_found", topology.ErrNotFound},
		{"exists", topology.ErrExists},
		{"in_use", topology.ErrInUse},
		{"transition", topology.ErrTransition},
		{"invalid", topology.ErrInvalid},
	}
}

func toWire(err error) *wireError {
	w := &wireError{Codes: []string{}, Text: err.Error()}
	for _, c := range wireCodes() {
		if errors.Is(err, c.err) {
			w.Codes = append(w.Codes, c.code)
		}
	}
	errors.As(err, &w.Conflict)
	return w
}

// error returns what the other peer meant.
func (w *wireError) error() error {
	e := &peerError{text: w.Text}
	for _, c := range wireCodes() {
		for _, code := range w.Codes {
			if code == c.code {
				e.causes = append(e.causes, c.err)
			}
		}
	}
	if w.Conflict != nil {
		e.causes = append(e.causes, w.Conflict)
	}
	return e
}

// peerError is an error that another peer answered.
type peerError struct {
	text   string
	causes []error
}

// Error implements error.
func (e *peerError) Error() string { return e.text }

// Unwrap lets errors.Is and errors.As see the causes.
func (e *peerError) Unwrap() []error { return e.causes }

// decodeCall reads one JSON value, strictly and no more than maxCall bytes.
func decodeCall(from io.Reader, v any) error {
	content, err := io.ReadAll(io.LimitReader(from, maxCall+1))
	if err != nil {
		return err
	}
	if len(content) > maxCall {
		return fmt.Errorf("it is larger than %d bytes", maxCall)
	}
	dec := json.NewDecoder(bytes.NewReader(content))
	if err := dec.Decode(v); err != nil {
		return err
	}
	if dec.InputOffset() != int64(len(bytes.TrimRight(content, " \n"))) {
		return errors.New("there is more after the value")
	}
	return nil
}
