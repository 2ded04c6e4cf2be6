package config

import (
	"fmt"
	"math"
	"net"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// validate reports everything that is well-formed and wrong all the same.
func (r *report) validate(c *Config) {
	walk("", reflect.ValueOf(c).Elem(), "", r.limits)
	r.listeners(c)
	r.postgresTLS(&c.Postgres.TLS)
	if (c.Admin.TLS.Cert == "") != (c.Admin.TLS.Key == "") {
		r.at("admin.tls", "cert and key belong together")
	}
	if c.Admin.TLS.ClientCA != "" && c.Admin.TLS.Cert == "" {
		r.at("admin.tls.client_ca", "needs cert and key")
	}
	r.peer(&c.Peer)
	r.users(c)
	if len(c.Databases) == 0 && len(c.Peer.Join) == 0 {
		r.at("databases", "at least one database is needed")
	}
	for _, name := range sortedKeys(c.Databases) {
		db := c.Databases[name]
		r.database("databases."+name, name, &db)
	}
}

// limits checks the oneof, min and max tags of one value.
func (r *report) limits(key string, v reflect.Value, tag reflect.StructTag) {
	if words, limited := tag.Lookup("oneof"); limited {
		if known := strings.Split(words, ","); !slices.Contains(known, v.String()) {
			r.at(key, "%s", unknown("value", v.String(), slices.DeleteFunc(known, func(w string) bool { return w == "" })))
		}
	}
	if _, limited := tag.Lookup("min"); !limited {
		return
	}
	low, high := limit(v, tag.Get("min")), limit(v, tag.Get("max"))
	if n := v.Int(); n < low || n > high {
		r.at(key, "%v is outside %s to %s", v.Interface(), tag.Get("min"), tag.Get("max"))
	}
}

// limit parses a bound in the type of the value it bounds.
func limit(like reflect.Value, text string) int64 {
	bound := reflect.New(like.Type()).Elem()
	if parse, ok := scalarParser(bound); !ok || parse(text) != nil {
		return math.MinInt64 // a wrong tag: nothing passes, every test fails
	}
	return bound.Int()
}

func (r *report) listeners(c *Config) {
	type listener struct {
		key, addr string
		optional  bool
	}
	taken := map[string]string{}
	for _, l := range []listener{
		{"peer.raft.listen", c.Peer.Raft.Listen, false},
		{"admin.listen", c.Admin.Listen, false},
		{"postgres.listen", c.Postgres.Listen, true},
		{"mysql.listen", c.MySQL.Listen, true},
	} {
		if l.addr == "" && l.optional {
			continue
		}
		_, port, err := net.SplitHostPort(l.addr)
		if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
			r.at(l.key, "%q is not host:port with a numeric port", l.addr)
		} else if other, found := taken[l.addr]; found && n != 0 {
			r.at(l.key, "%s is the address of %s already", l.addr, other)
		} else {
			taken[l.addr] = l.key
		}
	}
	if c.Postgres.Listen == "" && c.MySQL.Listen == "" {
		r.at("postgres.listen", "is empty, and so is mysql.listen: nobody could connect")
	}
}

func (r *report) postgresTLS(t *PostgresTLS) {
	const key = "postgres.tls"
	if (t.Cert == "") != (t.Key == "") {
		r.at(key, "cert and key belong together")
	}
	if t.Mode == "require" && t.Cert == "" {
		r.at(key+".mode", "require needs cert and key")
	}
	wantsCertificates := t.ClientCert == "verify" || t.ClientCert == "login"
	if wantsCertificates && (t.ClientCA == "" || t.Cert == "" || t.Mode == "disable") {
		r.at(key+".client_cert", "%s needs client_ca, cert and key, and a mode other than disable", t.ClientCert)
	}
	if t.ClientCA != "" && !wantsCertificates {
		r.at(key+".client_ca", "has no effect while client_cert is %s", t.ClientCert)
	}
}

func (r *report) users(c *Config) {
	verifier := regexp.MustCompile(`^(SCRAM-SHA-256\$[0-9]+:[^$:]+\$[^$:]+:[^$:]+|\*[0-9A-F]{40}|\$A\$.+)$`)
	seen := map[string]bool{}
	for i, u := range c.Users {
		key := fmt.Sprintf("users[%d]", i)
		switch {
		case u.Name == "":
			r.at(key+".name", "every user needs a name")
		case seen[u.Name]:
			r.at(key+".name", "user %q is there already", u.Name)
		}
		seen[u.Name] = true
		switch {
		case !u.Password.Empty() && !u.Secret.Empty():
			r.at(key+".secret", "either password or secret")
		case u.Password.Empty() && u.Secret.Empty() && c.Postgres.TLS.ClientCert != "login":
			r.at(key, "needs a password or a secret (or postgres.tls.client_cert: login)")
		case !u.Secret.Empty() && !verifier.MatchString(u.Secret.Reveal()):
			r.at(key+".secret", "is neither a SCRAM-SHA-256 verifier nor a MySQL password hash; a plain password goes into password")
		}
		if u.BackendUser == "" && !u.BackendPassword.Empty() {
			r.at(key+".backend_password", "needs backend_user")
		}
		for j, name := range u.Databases {
			if _, found := c.Databases[name]; !found {
				r.at(fmt.Sprintf("%s.databases[%d]", key, j), "%s", unknown("database", name, sortedKeys(c.Databases)))
			}
		}
	}
	if len(c.Users) == 0 && len(c.Peer.Join) == 0 {
		r.at("users", "at least one user is needed")
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// tablePatterns checks a list of table names or patterns.
func (r *report) tablePatterns(key string, patterns []string) {
	for i, pattern := range patterns {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			r.at(fmt.Sprintf("%s[%d]", key, i), "%q is neither a table name nor a pattern with *", pattern)
		}
	}
}
