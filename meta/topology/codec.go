package topology

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Encode returns the canonical bytes of the topology, secrets included: equal
// values have equal bytes. Strings that are not UTF-8 are an error, except in
// table names.
func (t *Topology) Encode() ([]byte, error) { return marshal(t) }

// Decode reads what Encode wrote and nothing else. The value is not validated.
func Decode(data []byte) (*Topology, error) {
	t := new(Topology)
	if err := unmarshal(data, t); err != nil {
		return nil, fmt.Errorf("topology: %w", err)
	}
	again, err := t.Encode()
	if err == nil && !bytes.Equal(again, data) {
		err = errNotCanonical
	}
	if err != nil {
		return nil, fmt.Errorf("topology: %w", err)
	}
	return t, nil
}

// Hash identifies the topology's canonical bytes, so that peers can compare
// what they have: the first 32 hexadecimal digits of their SHA-256, or "" for a
// value that cannot be encoded.
func (t *Topology) Hash() string {
	data, err := t.Encode()
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}
