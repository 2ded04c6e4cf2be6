package plan

import (
	"strings"

	"shardproxy/ring"
	"shardproxy/router/sqlscan"
)

// textParams are bound parameters in text format; "null" is NULL.
type textParams []string

func (p textParams) AppendKey(dst []byte, n int, t ring.KeyType) ([]byte, sqlscan.KeyState) {
	if n < 1 || n > len(p) {
		return dst, sqlscan.KeyMismatch
	}
	if p[n-1] == "null" {
		return dst, sqlscan.KeyNull
	}
	key, ok := ring.AppendText(dst, t, []byte(p[n-1]))
	if !ok {
		return dst, sqlscan.KeyMismatch
	}
	return key, sqlscan.KeyOK
}

func (p textParams) EachKey(n int, t ring.KeyType, yield func([]byte, sqlscan.KeyState) bool) sqlscan.KeyState {
	if n < 1 || n > len(p) {
		return sqlscan.KeyMismatch
	}
	if p[n-1] == "null" {
		return sqlscan.KeyNull
	}
	return sqlscan.EachArrayText([]byte(p[n-1]), t, yield)
}

// parseParams reads "1 {1,2} null".
func parseParams(s string) sqlscan.Keys {
	if s == "" {
		return nil
	}
	return textParams(strings.Fields(s))
}
