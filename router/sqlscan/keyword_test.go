package sqlscan

import (
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	n := 0
	for _, k := range keywordList {
		for _, word := range strings.Fields(k.words) {
			n++
			if got := lookup([]byte(word)); got != k.kw {
				t.Errorf("%s: %d, want %d", word, got, k.kw)
			}
			if len(word) > longestKeyword {
				t.Errorf("%s is longer than the longest keyword", word)
			}
			for _, other := range []string{word + "x", "x" + word, word[:len(word)-1] + "\x00"} {
				if got := lookup([]byte(other)); got != plain && !strings.Contains(" "+allKeywords()+" ", " "+other+" ") {
					t.Errorf("%q: %d", other, got)
				}
			}
		}
	}
	if n+1 != len(keywords.words) || n > 255 {
		t.Errorf("%d words, %d in the table", n, len(keywords.words)-1)
	}
	for _, word := range []string{"", "a", "ab", "selects", "SELECT", strings.Repeat("a", 100)} {
		if got := lookup([]byte(word)); got != plain {
			t.Errorf("%q: %d", word, got)
		}
	}
}

func allKeywords() string {
	var all []string
	for _, k := range keywordList {
		all = append(all, k.words)
	}
	return strings.Join(all, " ")
}
