package pgstartup

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/xdg-go/scram"
)

// verifierPrefix begins a SCRAM verifier in PostgreSQL's format.
const verifierPrefix = "SCRAM-SHA-256$"

// The parameters PostgreSQL uses for new passwords.
const (
	scramIterations = 4096
	scramSaltSize   = 16
	scramKeySize    = 32
)

// Secret is a SCRAM-SHA-256 verifier: enough to check that a client knows the
// password, not enough to log in elsewhere. It prints as nothing of that.
type Secret struct{ stored scram.StoredCredentials }

// ParseSecret reads a verifier as PostgreSQL stores it
// (SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>), or makes one
// for a plain password, which takes some milliseconds. Errors do not repeat the
// text.
func ParseSecret(text string) (Secret, error) {
	switch {
	case text == "":
		return Secret{}, errors.New("the password is empty")
	case strings.HasPrefix(text, verifierPrefix):
		return parseVerifier(strings.TrimPrefix(text, verifierPrefix))
	case isMD5(text):
		return Secret{}, errors.New("MD5 password hashes are not supported: " +
			"give the password itself or its SCRAM-SHA-256 verifier")
	}
	return newSecret(text)
}

// IsZero reports whether nobody knows the secret.
func (s Secret) IsZero() bool { return len(s.stored.StoredKey) == 0 }

// String hides the secret.
func (s Secret) String() string { return "[secret]" }

// GoString hides the secret.
func (s Secret) GoString() string { return s.String() }

func parseVerifier(text string) (Secret, error) {
	bad := errors.New("malformed SCRAM-SHA-256 verifier")
	parameters, keys, ok := strings.Cut(text, "$")
	if !ok {
		return Secret{}, bad
	}
	iterations, salt, ok1 := strings.Cut(parameters, ":")
	stored, server, ok2 := strings.Cut(keys, ":")
	if !ok1 || !ok2 {
		return Secret{}, bad
	}
	count, err := strconv.Atoi(iterations)
	if err != nil || count < 1 {
		return Secret{}, fmt.Errorf("%w: the iterations are not a positive number", bad)
	}
	rawSalt, err := base64.StdEncoding.Strict().DecodeString(salt)
	if err != nil || len(rawSalt) == 0 {
		return Secret{}, fmt.Errorf("%w: the salt is not in base64", bad)
	}
	storedKey, err1 := base64.StdEncoding.Strict().DecodeString(stored)
	serverKey, err2 := base64.StdEncoding.Strict().DecodeString(server)
	if err1 != nil || err2 != nil || len(storedKey) != scramKeySize || len(serverKey) != scramKeySize {
		return Secret{}, fmt.Errorf("%w: the keys are not %d bytes in base64", bad, scramKeySize)
	}
	return Secret{scram.StoredCredentials{
		KeyFactors: scram.KeyFactors{Salt: string(rawSalt), Iters: count},
		StoredKey:  storedKey,
		ServerKey:  serverKey,
	}}, nil
}

// newSecret makes a verifier. Like PostgreSQL it takes a password that has no
// SASLprep form as it is.
func newSecret(password string) (Secret, error) {
	client, err := scram.SHA256.NewClient("", password, "")
	if err != nil {
		client, err = scram.SHA256.NewClientUnprepped("", password, "")
	}
	if err != nil {
		return Secret{}, errors.New("the password cannot be used with SCRAM-SHA-256")
	}
	salt := make([]byte, scramSaltSize)
	if _, err := rand.Read(salt); err != nil {
		return Secret{}, fmt.Errorf("draw a salt: %w", err)
	}
	stored, err := client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: string(salt), Iters: scramIterations})
	if err != nil {
		return Secret{}, fmt.Errorf("derive the SCRAM keys: %w", err)
	}
	return Secret{stored}, nil
}

// isMD5 recognises PostgreSQL's older format of password hashes.
func isMD5(text string) bool {
	hex, ok := strings.CutPrefix(text, "md5")
	return ok && len(hex) == 32 && strings.Trim(hex, "0123456789abcdef") == ""
}
