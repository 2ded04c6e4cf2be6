package pgsession

import (
	"regexp"
	"strconv"
	"strings"
	"sync"

	"shardproxy/router/querytree"
)

// knownSettings remembers which settings a server accepted, and what it
// reported then, so that later SETs of the same value need no server. It is
// shared by all sessions of one user and database, and safe for concurrent use.
type knownSettings struct {
	mu sync.Mutex
	// accepted is keyed by name and value; bounded by maxKnownSettings.
	accepted map[[2]string]variable
}

const (
	maxKnownSettings = 4096
	maxKnownValue    = 1024 // bytes
)

func newKnownSettings() *knownSettings {
	return &knownSettings{accepted: make(map[[2]string]variable)}
}

// find returns the setting as the server accepted it.
func (k *knownSettings) find(name, value string) (variable, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	item, ok := k.accepted[[2]string{name, value}]
	return item, ok
}

// add remembers an accepted setting.
func (k *knownSettings) add(item variable) {
	if len(item.value) > maxKnownValue {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.accepted) >= maxKnownSettings {
		clear(k.accepted)
	}
	k.accepted[[2]string{item.name, item.value}] = item
}

var (
	durationSetting = regexp.MustCompile(`^\d{1,10}\s*(us|ms|s|min|h|d)?$`)
	encodingUTF8    = regexp.MustCompile(`(?i)^'?(utf-?8|unicode|sql_ascii)'?$`)
)

// known returns the setting where no server has to be asked whether it is valid.
func (m *machine) known(s *querytree.Setting) (variable, bool) {
	if len(s.Values) == 1 {
		if item, ok := absorb(s.Name, s.Values[0]); ok {
			return item, true
		}
	}
	value := settingValue(s)
	if m.accepted.name == s.Name && m.accepted.value == value {
		return m.accepted, true
	}
	return m.cfg.settings.find(s.Name, value)
}

// absorb judges a setting without a server: known is true where its value is
// certain to be accepted by any.
func absorb(name, text string) (item variable, known bool) {
	item = variable{name: name, value: quoteLiteral(text)}
	switch name {
	case "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout":
		return item, validDuration(text)
	case "application_name":
		item.reported = cleanName(text)
		return item, true
	case "extra_float_digits":
		n, err := strconv.Atoi(text)
		return item, err == nil && n >= -15 && n <= 3
	}
	return item, false
}

// validDuration accepts what every server takes for a timeout: a number of
// milliseconds, or with a unit, well below the 31-bit limit.
func validDuration(text string) bool {
	m := durationSetting.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	digits := strings.TrimSpace(strings.TrimSuffix(text, m[1]))
	n, err := strconv.ParseInt(digits, 10, 64)
	factor := map[string]int64{"": 1, "us": 1, "ms": 1, "s": 1e3, "min": 6e4, "h": 36e5, "d": 864e5}[m[1]]
	return err == nil && n <= 2147483647/factor
}

// cleanName is what PostgreSQL makes of an application_name: 63 bytes, and a
// question mark for whatever is not printable ASCII.
func cleanName(s string) string {
	clean := make([]byte, 0, len(s))
	for i := 0; i < len(s) && i < 63; i++ {
		c := s[i]
		if c < 32 || c > 126 {
			c = '?'
		}
		clean = append(clean, c)
	}
	return string(clean)
}
