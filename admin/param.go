package admin

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Param is the value of a statement's parameter in text form.
type Param struct {
	Text string
	Null bool
}

var (
	_ json.Marshaler   = Param{}
	_ json.Unmarshaler = (*Param)(nil)
)

// MarshalJSON writes a string or null.
func (p Param) MarshalJSON() ([]byte, error) {
	if p.Null {
		return []byte("null"), nil
	}
	return json.Marshal(p.Text)
}

// UnmarshalJSON takes a string, a number as it is spelt, true, false or null.
func (p *Param) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	switch {
	case string(data) == "null":
		*p = Param{Null: true}
		return nil
	case len(data) > 0 && data[0] == '"':
		*p = Param{}
		return json.Unmarshal(data, &p.Text)
	case len(data) > 0 && (data[0] == '{' || data[0] == '['):
		return errors.New("a parameter is a string, a number, true, false or null")
	}
	*p = Param{Text: string(data)}
	return nil
}
