package ring

import (
	"math"
	"testing"
)

// FuzzAppendText: whatever is accepted can be formatted, and the formatted key
// is the same key; whatever is refused leaves dst alone.
func FuzzAppendText(f *testing.F) {
	for _, s := range []string{
		"0", "-1", "42", "18446744073709551615", "-0", "5.0", "", `\x00`, `a\\b\000`,
		"8f14e45f-ceea-467f-ab4d-111931b71618", "{8F14E45FCEEA467FAB4D111931B71618}", "Zoë", "\xff",
	} {
		for t := KeyInt; t <= KeyBytes; t++ {
			f.Add(uint8(t), []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, keyType uint8, spelling []byte) {
		kt := KeyType(keyType)
		key, ok := AppendText([]byte("dst"), kt, spelling)
		if !ok {
			if string(key) != "dst" {
				t.Fatalf("refused, but dst is %q", key)
			}
			return
		}
		shown := FormatKey(kt, key[3:])
		again, ok := AppendText(nil, kt, []byte(shown))
		if !ok || string(again) != string(key[3:]) {
			t.Fatalf("%v %q: %x, shown as %q, read as %x, %v", kt, spelling, key[3:], shown, again, ok)
		}
	})
}

// FuzzAppendNumericBinary: accepted numbers agree with big-number arithmetic as
// the text form sees it.
func FuzzAppendNumericBinary(f *testing.F) {
	f.Add(numericOf(math.MaxInt64))
	f.Add(numericOf(-10000))
	f.Add(numericWire(0, 0, 1, 5, 5000))
	f.Add(numericWire(32767, 0, 0, 0, 0, 1))
	f.Fuzz(func(t *testing.T, wire []byte) {
		key, ok := AppendNumericBinary(nil, wire)
		if !ok {
			return
		}
		want, exact := slowNumeric(wire)
		if !exact || string(key) != le(want) {
			t.Fatalf("%x: %s; want %d, %v", wire, FormatKey(KeyInt, key), want, exact)
		}
	})
}
