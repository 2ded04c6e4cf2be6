package admin

import (
	"fmt"
	"log/slog"
)

// Secret is a password, a verifier or a DSN in a request. It is encoded as it
// is, and printed and logged as "[secret]".
type Secret string

var (
	_ fmt.Formatter  = Secret("")
	_ slog.LogValuer = Secret("")
)

const secretShown = "[secret]"

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// Format hides the secret whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(secretShown)) }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(secretShown) }
