package topology

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Encode returns the canonical bytes of the topology, secrets included: deeply
// equal values have equal bytes. Strings that are not UTF-8 are an error, except
// in table names.
func (t *Topology) Encode() ([]byte, error) {
	data, err := marshal(t)
	if err != nil {
		return nil, fmt.Errorf("topology: %w", err)
	}
	return data, nil
}

// Decode reads what Encode wrote and refuses everything else, other spellings of
// the same value too. The value is not validated.
func Decode(data []byte) (*Topology, error) {
	t := new(Topology)
	if err := unmarshal(data, t); err != nil {
		return nil, fmt.Errorf("topology: %w", err)
	}
	again, err := t.Encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, data) {
		return nil, fmt.Errorf("topology: %w", errNotCanonical)
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

var (
	errNotCanonical = errors.New("the encoding is not the canonical one")
	errNotText      = fmt.Errorf("a text is not UTF-8: %w", ErrInvalid)
	errMore         = errors.New("there is more after the value")
)

// marshal encodes v as JSON: fields in the order of the struct, zero ones left
// out, map keys sorted, no insignificant space.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	data := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if replaced(data) {
		return nil, errNotText
	}
	return data, nil
}

// replaced says whether the encoder met bytes that are not UTF-8. It writes
// \ufffd for those, and the character itself where that was in the text.
func replaced(data []byte) bool {
	mark := []byte(`\ufffd`)
	for from := 0; ; {
		i := bytes.Index(data[from:], mark)
		if i < 0 {
			return false
		}
		i += from
		before := 0 // backslashes: an odd one is a backslash in the text
		for i-before > 0 && data[i-before-1] == '\\' {
			before++
		}
		if before%2 == 0 {
			return true
		}
		from = i + len(mark)
	}
}

// unmarshal decodes one JSON value and nothing after it. Unknown fields are
// errors.
func unmarshal(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errMore
	}
	return nil
}
