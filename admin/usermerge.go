package admin

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"shardproxy/meta/topology"
)

// sealed checks the secrets of the settings, and returns what is stored in
// place of the password; nil where the settings have none.
func (u *UserSettings) sealed() (*string, error) {
	switch {
	case u.Password != nil && u.Secret != nil:
		return nil, newProblem(CodeInvalid, "either password or secret")
	case u.Password != nil:
		password := u.Password.Reveal()
		if password == "" || len(password) > maxPassword || !utf8.ValidString(password) {
			return nil, NewProblem(CodeInvalid, fmt.Sprintf("a password is 1 to %d bytes of UTF-8", maxPassword),
				`An empty secret makes a user that logs in by certificate only.`)
		}
		verifier, err := newVerifier(password)
		if err == nil && matches(verifier, "") {
			err = newProblem(CodeInvalid, "the password has only characters that SCRAM leaves out")
		}
		return &verifier, err
	case u.Secret != nil:
		secret := u.Secret.Reveal()
		if secret == "" {
			return &secret, nil
		}
		return &secret, checkVerifier(secret)
	}
	return nil, nil
}

// mergeUser is the user that settings make of the one there is, or of none, and
// what differs. sealed comes from the settings.
func mergeUser(t *topology.Topology, name string, settings *UserSettings, sealed *string) (topology.User, []Difference, error) {
	before := t.Users[name]
	user := topology.User{Name: name}
	if before != nil {
		user = *before
	}
	what := "user " + name
	var d differ
	if before == nil {
		if sealed == nil {
			return user, nil, NewProblem(CodeInvalid, fmt.Sprintf("user %q is new and has no password", name),
				"Give it a password, a verifier, or an empty secret if it logs in by certificate.")
		}
		d.add(Difference{Op: OpAdd, What: what})
	}
	if sealed != nil && !sameSecret(user.Secret, settings, *sealed) {
		user.Secret = *sealed
		if before != nil {
			d.add(Difference{Op: OpChange, What: what + ": password"})
		}
	}
	if settings.Databases != nil {
		databases, err := checkDatabases(t, *settings.Databases)
		if err != nil {
			return user, nil, err
		}
		d.changed(what+": databases", nameList(user.Databases), nameList(databases))
		user.Databases = databases
	}
	mergeBackend(&user, settings, what, &d)
	if p := settings.NodeHints; p != nil {
		d.changed(what+": node_hints", strconv.FormatBool(user.NodeHints), strconv.FormatBool(*p))
		user.NodeHints = *p
	}
	if p := settings.SessionPooling; p != nil {
		d.changed(what+": session_pooling", strconv.FormatBool(user.SessionPooling), strconv.FormatBool(*p))
		user.SessionPooling = *p
	}
	if before == nil {
		for i := range d.found {
			d.found[i].Op, d.found[i].Before = OpAdd, ""
		}
	}
	return user, d.found, checkBackend(&user)
}

// mergeBackend takes over how the user logs in to the nodes.
func mergeBackend(user *topology.User, settings *UserSettings, what string, d *differ) {
	if p := settings.BackendUser; p != nil {
		d.changed(what+": backend_user", user.BackendUser, *p)
		user.BackendUser = *p
	}
	if p := settings.BackendPassword; p != nil && user.BackendPassword != p.Reveal() {
		d.add(Difference{Op: OpChange, What: what + ": backend_password"})
		user.BackendPassword = p.Reveal()
	}
}

func checkBackend(user *topology.User) error {
	switch {
	case user.BackendUser == "" && user.BackendPassword != "":
		return newProblem(CodeInvalid, fmt.Sprintf("user %q: backend_password needs backend_user", user.Name))
	case strings.ContainsFunc(user.BackendUser, unicode.IsControl) || strings.ContainsRune(user.BackendPassword, 0):
		return newProblem(CodeInvalid, fmt.Sprintf("user %q: backend_user and backend_password cannot have control characters", user.Name))
	}
	return nil
}

// sameSecret reports whether the stored secret is what the settings ask for: a
// password has a new salt each time.
func sameSecret(stored string, settings *UserSettings, sealed string) bool {
	if settings.Password != nil {
		// A plain password that came from the configuration is replaced by its
		// verifier.
		return strings.HasPrefix(stored, verifierPrefix) && matches(stored, settings.Password.Reveal())
	}
	return stored == sealed
}

// checkDatabases returns the names in order, each once.
func checkDatabases(t *topology.Topology, names []string) ([]string, error) {
	for _, name := range names {
		if t.Databases[name] == nil {
			return nil, unknownDatabase(t, name)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(names))), nil
}

func unknownDatabase(t *topology.Topology, name string) *Problem {
	return NewProblem(CodeUnknownDatabase, fmt.Sprintf("there is no database %q", name),
		"Databases: "+strings.Join(slices.Sorted(maps.Keys(t.Databases)), ", "))
}

// nameList is a list of databases for people.
func nameList(names []string) string {
	if len(names) == 0 {
		return "all"
	}
	return strings.Join(slices.Sorted(slices.Values(names)), ",")
}
