package admin

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/xdg-go/scram"

	"shardproxy/protocol/pgstartup"
)

// verifierPrefix begins a SCRAM verifier in PostgreSQL's format.
const verifierPrefix = "SCRAM-SHA-256$"

const (
	saltSize   = 16   // bytes, as PostgreSQL
	iterations = 4096 // as PostgreSQL
	// maxIterations bounds the work that a verifier can cause.
	maxIterations = 1_000_000
	maxPassword   = 1024 // bytes
)

// newVerifier makes the verifier that is stored in place of a password. It
// takes some milliseconds.
func newVerifier(password string) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("draw a salt: %w", err)
	}
	return deriveVerifier(password, string(salt), iterations)
}

// deriveVerifier takes, like PostgreSQL, a password that has no SASLprep form
// as it is.
func deriveVerifier(password, salt string, iterations int) (string, error) {
	client, err := scram.SHA256.NewClient("", password, "")
	if err != nil {
		client, err = scram.SHA256.NewClientUnprepped("", password, "")
	}
	if err != nil {
		return "", newProblem(CodeInvalid, "the password cannot be used with SCRAM-SHA-256")
	}
	stored, err := client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: salt, Iters: iterations})
	if err != nil {
		return "", fmt.Errorf("derive the SCRAM keys: %w", err)
	}
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("%s%d:%s$%s:%s", verifierPrefix, iterations, encode([]byte(salt)),
		encode(stored.StoredKey), encode(stored.ServerKey)), nil
}

// checkVerifier checks the form of a verifier.
func checkVerifier(verifier string) error {
	_, err := pgstartup.ParseSecret(verifier)
	_, count, ok := saltOf(verifier)
	if !strings.HasPrefix(verifier, verifierPrefix) || err != nil || !ok || count > maxIterations {
		return NewProblem(CodeInvalid, fmt.Sprintf("secret is not a SCRAM-SHA-256 verifier of at most %d iterations", maxIterations),
			"A plain password goes into password.")
	}
	return nil
}

// matches reports whether a stored secret, a verifier or a plain password, is
// that of the password.
func matches(stored, password string) bool {
	if strings.HasPrefix(stored, verifierPrefix) {
		salt, count, ok := saltOf(stored)
		if !ok || count > maxIterations {
			return false
		}
		derived, err := deriveVerifier(password, salt, count)
		if err != nil {
			return false
		}
		password = derived
	}
	return subtle.ConstantTimeCompare([]byte(stored), []byte(password)) == 1
}

// saltOf reads salt and iterations of a verifier.
func saltOf(verifier string) (salt string, count int, ok bool) {
	parameters, _, _ := strings.Cut(strings.TrimPrefix(verifier, verifierPrefix), "$")
	number, encoded, _ := strings.Cut(parameters, ":")
	count, err := strconv.Atoi(number)
	raw, err2 := base64.StdEncoding.Strict().DecodeString(encoded)
	return string(raw), count, err == nil && err2 == nil && count > 0
}
