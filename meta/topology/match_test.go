package topology

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A glob matches what the regular expression of the same meaning does.
func TestMatchGlob(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]rune("ab.é*?"))
		glob := string(rapid.SliceOfN(alphabet, 0, 8).Draw(t, "glob"))
		name := string(rapid.SliceOfN(rapid.SampledFrom([]rune("ab.é\n")), 0, 10).Draw(t, "name"))
		expression := regexp.QuoteMeta(glob)
		expression = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(expression)
		want := regexp.MustCompile(`(?s)^` + expression + `$`).MatchString(name)
		if got := matchGlob(glob, name); got != want {
			t.Fatalf("matchGlob(%q, %q) = %v", glob, name, got)
		}
	})
}
