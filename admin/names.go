package admin

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"shardproxy/meta/topology"
)

// maxName is the longest name, in bytes.
const maxName = 63

// checkPlainName checks the name of a node or a peer: it stands in metrics,
// logs and on command lines.
func checkPlainName(what, name string) error {
	plain := func(i int, r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return letter || i > 0 && strings.ContainsRune("_.-", r)
	}
	for i, r := range name {
		if !plain(i, r) {
			name = ""
			break
		}
	}
	if name == "" || len(name) > maxName {
		return newProblem(CodeInvalid, fmt.Sprintf("%s: 1 to %d letters, digits, - _ or . are possible, a letter or digit first", what, maxName))
	}
	return nil
}

// checkUserName checks the name of a user, which may be almost anything.
func checkUserName(name string) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return newProblem(CodeInvalid, fmt.Sprintf("the name of a user is 1 to %d bytes of UTF-8 without control characters", maxName))
	}
	return nil
}

// checkAddress checks host:port, where others reach a peer.
func checkAddress(what, address string) error {
	host, port, err := net.SplitHostPort(address)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || host == "" || n == 0 {
		return newProblem(CodeInvalid, what+": want host:port, as others reach it")
	}
	return nil
}

// checkDSN checks a DSN without repeating it: it holds a password.
func checkDSN(what string, engine topology.Engine, dsn Secret) error {
	schemes := []string{"postgres", "postgresql"}
	if engine == topology.MySQL {
		schemes = []string{"mysql"}
	}
	u, err := url.Parse(dsn.Reveal())
	problem := ""
	switch {
	case err != nil || !slices.Contains(schemes, u.Scheme):
		problem = "is not such a URL"
	case u.Hostname() == "" || strings.Contains(u.Host, ","):
		problem = "names no host, or several"
	case strings.Trim(u.Path, "/") == "":
		problem = "names no database"
	case u.User.Username() == "":
		problem = "names no user"
	default:
		return nil
	}
	return NewProblem(CodeInvalid, what+" "+problem, "Want a URL like "+schemes[0]+"://user:password@host:port/database.")
}
