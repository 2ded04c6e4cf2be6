package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// redacted stands for a secret wherever it would be printed.
const redacted = "[redacted]"

// Size is a number of bytes, written with a unit: 512B, 64KiB, 16MiB, 1GiB.
type Size int64

// units by suffix, the longest first.
func units() []struct {
	suffix string
	bytes  int64
} {
	return []struct {
		suffix string
		bytes  int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}}
}

// UnmarshalText parses a size; its unit is required.
func (s *Size) UnmarshalText(text []byte) error {
	for _, unit := range units() {
		digits, found := strings.CutSuffix(string(text), unit.suffix)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 63)
		if err != nil || int64(n) > math.MaxInt64/unit.bytes {
			break
		}
		*s = Size(int64(n) * unit.bytes)
		return nil
	}
	return errors.New("want a size with its unit, like 16MiB")
}

// String writes the size in the largest unit that is exact.
func (s Size) String() string {
	best := units()[3]
	for _, unit := range units()[:3] {
		if s != 0 && int64(s)%unit.bytes == 0 {
			best = unit
		}
	}
	return strconv.FormatInt(int64(s)/best.bytes, 10) + best.suffix
}

// Secret is a password or a verifier. However it is printed, logged or
// encoded, it is not shown; only Reveal returns it.
type Secret struct{ text string }

// NewSecret wraps a secret.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return s.text }

// Empty reports whether there is none.
func (s Secret) Empty() bool { return s.text == "" }

// Equal lets tests compare configurations.
func (s Secret) Equal(other Secret) bool { return s == other }

// UnmarshalText takes the text as it is.
func (s *Secret) UnmarshalText(text []byte) error {
	s.text = string(text)
	return nil
}

// MarshalText hides the secret from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String does not show the secret.
func (s Secret) String() string {
	if s.Empty() {
		return ""
	}
	return redacted
}

// Format hides the secret from every verb of fmt.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(s.String())) }

// LogValue hides the secret from log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// DSN is a connection URL. Printed, logged or encoded it shows user, host and
// database only; Reveal returns all of it.
type DSN struct{ text string }

// NewDSN wraps a connection URL.
func NewDSN(text string) DSN { return DSN{text} }

// Reveal returns the URL with its password.
func (d DSN) Reveal() string { return d.text }

// Empty reports whether there is none.
func (d DSN) Empty() bool { return d.text == "" }

// Equal lets tests compare configurations.
func (d DSN) Equal(other DSN) bool { return d == other }

// UnmarshalText takes the text as it is; validation is up to the engine.
func (d *DSN) UnmarshalText(text []byte) error {
	d.text = string(text)
	return nil
}

// MarshalText hides the password from JSON and YAML.
func (d DSN) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String shows user, host and database.
func (d DSN) String() string {
	if d.Empty() {
		return ""
	}
	u, err := url.Parse(d.text)
	if err != nil || u.Host == "" {
		return redacted
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if name := u.User.Username(); name != "" {
		shown.User = url.User(name)
	}
	return shown.String()
}

// Format hides the password from every verb of fmt.
func (d DSN) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(d.String())) }

// LogValue hides the password from log/slog.
func (d DSN) LogValue() slog.Value { return slog.StringValue(d.String()) }
