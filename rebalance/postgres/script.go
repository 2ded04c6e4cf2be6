package postgres

import (
	"errors"
	"regexp"
	"strings"
)

// commentOnExtension is a line of an archive's contents. Only its owner may
// comment on an extension, and on the new node that may be somebody else; the
// comment comes with the extension anyway.
var commentOnExtension = regexp.MustCompile(`^\d+; \d+ \d+ COMMENT - EXTENSION `)

// keepEntries returns the lines of an archive's contents that are to be
// restored.
func keepEntries(contents string) string {
	var kept strings.Builder
	for line := range strings.Lines(contents) {
		if !commentOnExtension.MatchString(line) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

var errScript = errors.New("pg_restore wrote a script that cannot be understood")

// plainSQL turns a script for psql into SQL that a server takes. What is not
// SQL in it stands at known places: "\restrict KEY" in the preamble, before the
// first object, and "\unrestrict KEY" at the end. SET of a parameter that came
// with version 17 is left out, which older servers refuse.
func plainSQL(text string) (Script, error) {
	preamble, objects, found := strings.Cut(text, "\n--\n-- Name: ")
	if !found {
		preamble, objects = text, ""
	} else {
		objects = "\n--\n-- Name: " + objects
	}
	var b strings.Builder
	key := ""
	for line := range strings.Lines(preamble) {
		switch {
		case strings.HasPrefix(line, `\restrict `):
			key = strings.TrimSpace(strings.TrimPrefix(line, `\restrict `))
		case strings.HasPrefix(line, "SET transaction_timeout ="):
		case found || !strings.HasPrefix(line, `\unrestrict `):
			b.WriteString(line)
		}
	}
	if key != "" && found {
		end := strings.LastIndex(objects, "\n\\unrestrict "+key)
		if end < 0 || strings.TrimSpace(objects[end:]) != `\unrestrict `+key {
			return "", errScript
		}
		objects = objects[:end]
	}
	b.WriteString(objects)
	b.WriteString("\n")
	return Script(b.String()), nil
}
