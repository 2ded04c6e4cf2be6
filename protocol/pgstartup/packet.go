package pgstartup

import (
	"bytes"
	"strings"

	"shardproxy/protocol/sqlerr"
)

// Setting is a parameter of the session and its value.
type Setting struct{ Name, Value string }

// startup is a StartupMessage (manual, section "Message Formats").
type startup struct {
	version        Version // the one both sides speak
	user, database string
	// settings are those of "options", then those of the packet itself; of two
	// for one name the later counts.
	settings []Setting
	// negotiate: the client has to be told the version, or the options unknown.
	negotiate bool
	unknown   []string
}

// parseStartup reads what follows the version. Of a parameter given twice the
// last one counts, as in PostgreSQL. Errors are *sqlerr.Error.
func parseStartup(version Version, body []byte) (*startup, error) {
	if version.Major() != 3 {
		return nil, sqlerr.UnsupportedProtocol(version.Major(), version.Minor())
	}
	s := &startup{version: min(version, Version32), negotiate: version > Version32}
	var options, replication string
	for {
		var name, value string
		var ok bool
		if name, body, ok = cutString(body); !ok {
			return nil, badLayout()
		}
		if name == "" {
			break
		}
		if value, body, ok = cutString(body); !ok {
			return nil, badLayout()
		}
		switch {
		case name == "user":
			s.user = value
		case name == "database":
			s.database = value
		case name == "options":
			options = value
		case name == "replication":
			replication = value
		case strings.HasPrefix(name, "_pq_."):
			s.unknown = append(s.unknown, name)
			s.negotiate = true
		default:
			s.settings = append(s.settings, Setting{name, value})
		}
	}
	if len(body) > 0 {
		return nil, badLayout()
	}
	return s, s.complete(options, replication)
}

// complete checks the parameters that mean something to us.
func (s *startup) complete(options, replication string) error {
	if s.user == "" {
		return sqlerr.InvalidAuthorization("no PostgreSQL user name specified in startup packet")
	}
	if s.database == "" {
		s.database = s.user
	}
	if err := checkReplication(replication); err != nil {
		return err
	}
	fromOptions, err := parseOptions(options)
	if err != nil {
		return err
	}
	s.settings = append(fromOptions, s.settings...)
	return nil
}

// cutString cuts a NUL-terminated string off b.
func cutString(b []byte) (s string, rest []byte, ok bool) {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return "", nil, false
	}
	return string(b[:i]), b[i+1:], true
}

func badLayout() error {
	return sqlerr.ProtocolViolation("invalid startup packet layout: expected terminator as last byte").Fatal()
}

// checkReplication lets only an explicit "no" pass.
func checkReplication(value string) error {
	switch strings.ToLower(value) {
	case "", "false", "off", "no", "0", "f", "n":
		return nil
	case "database", "true", "on", "yes", "1", "t", "y":
		return sqlerr.NotSupported("replication connections are not supported").
			WithHint("Connect to the node itself.").Fatal()
	}
	return sqlerr.InvalidParameterValue("replication", value,
		`Valid values are: "false", 0, "true", 1, "database".`).Fatal()
}
