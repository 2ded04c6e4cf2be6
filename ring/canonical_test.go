package ring

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// le returns the canonical bytes of an integer key.
func le(v int64) string { return string(AppendInt(nil, v)) }

func TestAppendText(t *testing.T) {
	const uuid = "\x8f\x14\xe4\x5f\xce\xea\x46\x7f\xab\x4d\x11\x19\x31\xb7\x16\x18"
	tests := []struct {
		keyType  KeyType
		spelling string
		want     string
		ok       bool
	}{
		{KeyInt, "0", le(0), true},
		{KeyInt, "1", le(1), true},
		{KeyInt, "-1", le(-1), true},
		{KeyInt, "42", "\x2a\x00\x00\x00\x00\x00\x00\x00", true},
		{KeyInt, "9223372036854775807", le(math.MaxInt64), true},
		{KeyInt, "-9223372036854775808", le(math.MinInt64), true},
		{KeyInt, "9223372036854775808", le(math.MinInt64), true}, // unsigned, by its bits
		{KeyInt, "9999999999999999999", le(-8446744073709551617), true},
		{KeyInt, "18446744073709551615", le(-1), true},
		{KeyInt, "18446744073709551616", "", false},
		{KeyInt, "18446744073709551620", "", false},
		{KeyInt, "20000000000000000000", "", false},
		{KeyInt, "100000000000000000000", "", false},
		{KeyInt, "-9223372036854775809", "", false},
		{KeyInt, "-18446744073709551615", "", false},
		{KeyInt, "", "", false},
		{KeyInt, "-", "", false},
		{KeyInt, "--1", "", false},
		{KeyInt, "042", "", false},
		{KeyInt, "00", "", false},
		{KeyInt, "-0", "", false},
		{KeyInt, "-01", "", false},
		{KeyInt, "+5", "", false},
		{KeyInt, " 5", "", false},
		{KeyInt, "5 ", "", false},
		{KeyInt, "5\x00", "", false},
		{KeyInt, "5.5", "", false},
		{KeyInt, "5.0", "", false},
		{KeyInt, "5e0", "", false},
		{KeyInt, "5abc", "", false},
		{KeyInt, "1_000", "", false},
		{KeyInt, "0x2a", "", false},
		{KeyInt, "0b1", "", false},
		{KeyInt, "٣", "", false}, // ARABIC-INDIC DIGIT THREE

		{KeyUUID, "8f14e45f-ceea-467f-ab4d-111931b71618", uuid, true},
		{KeyUUID, "8F14E45F-CEEA-467F-AB4D-111931B71618", uuid, true},
		{KeyUUID, "8f14e45fceea467fab4d111931b71618", uuid, true},
		{KeyUUID, "{8f14e45f-ceea-467f-ab4d-111931b71618}", uuid, true},
		{KeyUUID, "{8f14e45fceea467fab4d111931b71618}", uuid, true},
		{KeyUUID, "8f14-e45f-ceea-467f-ab4d-1119-31b7-1618", uuid, true},
		{KeyUUID, "8f14e45f-ceea467fab4d-111931b71618", uuid, true},
		{KeyUUID, "8f-14e45fceea467fab4d111931b71618", "", false},
		{KeyUUID, "8f14--e45fceea467fab4d111931b71618", "", false},
		{KeyUUID, "-8f14e45fceea467fab4d111931b71618", "", false},
		{KeyUUID, "8f14e45fceea467fab4d111931b71618-", "", false},
		{KeyUUID, "{8f14e45fceea467fab4d111931b71618", "", false},
		{KeyUUID, "8f14e45fceea467fab4d111931b71618}", "", false},
		{KeyUUID, "{{8f14e45fceea467fab4d111931b71618}}", "", false},
		{KeyUUID, " 8f14e45fceea467fab4d111931b71618", "", false},
		{KeyUUID, "8f14e45fceea467fab4d111931b7161", "", false},
		{KeyUUID, "8f14e45fceea467fab4d111931b716180", "", false},
		{KeyUUID, "8g14e45fceea467fab4d111931b71618", "", false},
		{KeyUUID, "", "", false},
		{KeyUUID, "{", "", false},
		{KeyUUID, "{}", "", false},

		{KeyText, "", "", true},
		{KeyText, "Zoë", "Zoë", true},
		{KeyText, " a ", " a ", true},
		{KeyText, "a\x00b", "", false},
		{KeyText, "a\xff", "", false},
		{KeyText, "\xed\xa0\x80", "", false}, // a surrogate
		{KeyText, "\xc0\xaf", "", false},     // overlong

		{KeyBytes, "", "", true},
		{KeyBytes, `\x`, "", true},
		{KeyBytes, `\x00ff6A`, "\x00\xffj", true},
		{KeyBytes, "\\x00 ff\n6A ", "\x00\xffj", true},
		{KeyBytes, `\x0 0`, "", false},
		{KeyBytes, `\x0`, "", false},
		{KeyBytes, `\x0g`, "", false},
		{KeyBytes, `\X00`, "", false},
		{KeyBytes, `abc`, "abc", true},
		{KeyBytes, `a\\b\000\377`, "a\\b\x00\xff", true},
		{KeyBytes, `\400`, "", false},
		{KeyBytes, `\38`, "", false},
		{KeyBytes, `\381`, "", false},
		{KeyBytes, `\318`, "", false},
		{KeyBytes, `a\`, "", false},
		{KeyBytes, `\q`, "", false},
		{KeyBytes, "a\x00", "", false},
		{KeyBytes, "é", "", false},

		{0, "1", "", false},
		{KeyBytes + 1, "1", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.keyType.String()+"/"+tt.spelling, func(t *testing.T) {
			got, ok := AppendText([]byte("dst"), tt.keyType, []byte(tt.spelling))
			if ok != tt.ok || string(got) != "dst"+tt.want {
				t.Errorf("AppendText(%v, %q) = %q, %v; want %q, %v", tt.keyType, tt.spelling, got, ok, "dst"+tt.want, tt.ok)
			}
		})
	}
}

func TestAppendBinary(t *testing.T) {
	tests := []struct {
		keyType KeyType
		wire    string
		want    string
		ok      bool
	}{
		{KeyInt, "\x00\x2a", le(42), true},
		{KeyInt, "\xff\xff", le(-1), true},
		{KeyInt, "\x00\x00\x00\x2a", le(42), true},
		{KeyInt, "\xff\xff\xff\xfe", le(-2), true},
		{KeyInt, "\x00\x00\x00\x00\x00\x00\x00\x2a", le(42), true},
		{KeyInt, "\x80\x00\x00\x00\x00\x00\x00\x00", le(math.MinInt64), true},
		{KeyInt, "", "", false},
		{KeyInt, "\x2a", "", false},
		{KeyInt, "\x00\x00\x2a", "", false},
		{KeyInt, "\x00\x00\x00\x00\x00\x00\x00\x00\x2a", "", false},
		{KeyUUID, "0123456789abcdef", "0123456789abcdef", true},
		{KeyUUID, "0123456789abcde", "", false},
		{KeyUUID, "0123456789abcdefg", "", false},
		{KeyText, "Zoë", "Zoë", true},
		{KeyText, "\x00", "", false},
		{KeyText, "\xff", "", false},
		{KeyBytes, "\x00\xff", "\x00\xff", true},
		{KeyBytes, "", "", true},
		{0, "1", "", false},
	}
	for _, tt := range tests {
		got, ok := AppendBinary([]byte("dst"), tt.keyType, []byte(tt.wire))
		if ok != tt.ok || string(got) != "dst"+tt.want {
			t.Errorf("AppendBinary(%v, %q) = %q, %v; want %q, %v", tt.keyType, tt.wire, got, ok, "dst"+tt.want, tt.ok)
		}
	}
}

func TestAppendNumericText(t *testing.T) {
	tests := []struct {
		spelling string
		want     int64
		ok       bool
	}{
		{"0", 0, true},
		{"0.0", 0, true},
		{"5.", 5, true},
		{"5.0", 5, true},
		{"-12.000", -12, true},
		{"9223372036854775807", math.MaxInt64, true},
		{"-9223372036854775808.0", math.MinInt64, true},
		{"9223372036854775808", 0, false},
		{"18446744073709551615", 0, false},
		{"-9223372036854775809", 0, false},
		{"5.5", 0, false},
		{"5.01", 0, false},
		{"5.0.0", 0, false},
		{"5e0", 0, false},
		{"5.0e0", 0, false},
		{".0", 0, false},
		{".", 0, false},
		{"", 0, false},
		{"-.0", 0, false},
		{"-0.0", 0, false},
		{"05.0", 0, false},
		{"+5.0", 0, false},
		{"NaN", 0, false},
	}
	for _, tt := range tests {
		got, ok := AppendNumericText([]byte("dst"), []byte(tt.spelling))
		want := "dst"
		if tt.ok {
			want += le(tt.want)
		}
		if ok != tt.ok || string(got) != want {
			t.Errorf("AppendNumericText(%q) = %q, %v; want %q, %v", tt.spelling, got, ok, want, tt.ok)
		}
	}
}

// numericWire builds the binary format of a numeric.
func numericWire(weight, sign, scale int, digits ...int) []byte {
	var w []byte
	for _, v := range append([]int{len(digits), weight, sign, scale}, digits...) {
		w = binary.BigEndian.AppendUint16(w, uint16(v))
	}
	return w
}

func TestAppendNumericBinary(t *testing.T) {
	tests := []struct {
		name string
		wire []byte
		want int64
		ok   bool
	}{
		{"zero", numericWire(0, 0, 0), 0, true},
		{"zero with scale", numericWire(0, 0, 4), 0, true},
		{"zero of any weight", numericWire(-32768, 0, 0, 0, 0), 0, true},
		{"zero of a large weight", numericWire(32767, 0, 0, 0), 0, true},
		{"negative zero", numericWire(0, 0x4000, 0), 0, true},
		{"5", numericWire(0, 0, 0, 5), 5, true},
		{"5.00", numericWire(0, 0, 2, 5), 5, true},
		{"5.0000 with its zeros", numericWire(0, 0, 4, 5, 0), 5, true},
		{"leading zero digits", numericWire(1, 0, 0, 0, 5), 5, true},
		{"-12", numericWire(0, 0x4000, 0, 12), -12, true},
		{"10000", numericWire(1, 0, 0, 1), 10000, true},
		{"123450000", numericWire(2, 0, 0, 1, 2345), 123450000, true},
		{"max", numericWire(4, 0, 0, 922, 3372, 368, 5477, 5807), math.MaxInt64, true},
		{"min", numericWire(4, 0x4000, 0, 922, 3372, 368, 5477, 5808), math.MinInt64, true},
		{"max+1", numericWire(4, 0, 0, 922, 3372, 368, 5477, 5808), 0, false},
		{"min-1", numericWire(4, 0x4000, 0, 922, 3372, 368, 5477, 5809), 0, false},
		{"10^20", numericWire(5, 0, 0, 1), 0, false},
		{"10^131068", numericWire(32767, 0, 0, 1), 0, false},
		{"5.5", numericWire(0, 0, 1, 5, 5000), 0, false},
		{"0.5", numericWire(-1, 0, 1, 5000), 0, false},
		{"5.5 with hidden fraction", numericWire(0, 0, 0, 5, 5000), 0, false},
		{"digit too large", numericWire(0, 0, 0, 10000), 0, false},
		{"NaN", numericWire(0, 0xC000, 0), 0, false},
		{"Infinity", numericWire(0, 0xD000, 0), 0, false},
		{"-Infinity", numericWire(0, 0xF000, 0), 0, false},
		{"digit missing", numericWire(0, 0, 0, 5)[:9], 0, false},
		{"bytes left over", append(numericWire(0, 0, 0, 5), 0), 0, false},
		{"short header", make([]byte, 7), 0, false},
		{"nothing", nil, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := AppendNumericBinary([]byte("dst"), tt.wire)
			want := "dst"
			if tt.ok {
				want += le(tt.want)
			}
			if ok != tt.ok || string(got) != want {
				t.Errorf("AppendNumericBinary = %q, %v; want %q, %v", got, ok, want, tt.ok)
			}
		})
	}
}

// One value has one canonical form, whichever way it is written.
func TestRepresentationsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64().Draw(t, "v")
		want := le(v)
		check := func(how string, got []byte, ok bool) {
			if !ok || string(got) != want {
				t.Fatalf("%s of %d: %x, %v; want %x", how, v, got, ok, want)
			}
		}
		text := strconv.FormatInt(v, 10)
		got, ok := AppendText(nil, KeyInt, []byte(text))
		check("text", got, ok)
		got, ok = AppendNumericText(nil, []byte(text+".0"))
		check("numeric text", got, ok)
		got, ok = AppendNumericBinary(nil, numericOf(v))
		check("numeric binary", got, ok)
		got, ok = AppendIntBinary(nil, binary.BigEndian.AppendUint64(nil, uint64(v)))
		check("int8", got, ok)
		if int64(int32(v)) == v {
			got, ok = AppendIntBinary(nil, binary.BigEndian.AppendUint32(nil, uint32(v)))
			check("int4", got, ok)
		}
		if int64(int16(v)) == v {
			got, ok = AppendIntBinary(nil, binary.BigEndian.AppendUint16(nil, uint16(v)))
			check("int2", got, ok)
		}
		got, ok = AppendText(nil, KeyInt, strconv.AppendUint(nil, uint64(v), 10))
		check("unsigned text", got, ok)
	})
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid")
		spelling := FormatKey(KeyUUID, b)
		if rapid.Bool().Draw(t, "upper") {
			spelling = strings.ToUpper(spelling)
		}
		if rapid.Bool().Draw(t, "plain") {
			spelling = strings.ReplaceAll(spelling, "-", "")
		}
		if rapid.Bool().Draw(t, "braces") {
			spelling = "{" + spelling + "}"
		}
		fromText, ok1 := AppendText(nil, KeyUUID, []byte(spelling))
		fromBinary, ok2 := AppendBinary(nil, KeyUUID, b)
		if !ok1 || !ok2 || string(fromText) != string(b) || string(fromBinary) != string(b) {
			t.Fatalf("%s: %x, %x; want %x", spelling, fromText, fromBinary, b)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		var escaped strings.Builder
		for _, c := range b {
			switch {
			case c == '\\':
				escaped.WriteString(`\\`)
			case c < 0x20 || c > 0x7e:
				escaped.WriteString(`\` + string([]byte{'0' + c>>6, '0' + c>>3&7, '0' + c&7}))
			default:
				escaped.WriteByte(c)
			}
		}
		for _, spelling := range []string{`\x` + hex.EncodeToString(b), escaped.String()} {
			got, ok := AppendText(nil, KeyBytes, []byte(spelling))
			if !ok || string(got) != string(b) {
				t.Fatalf("%s: %x, %v; want %x", spelling, got, ok, b)
			}
		}
	})
}

// numericOf writes v in the binary format of numeric.
func numericOf(v int64) []byte {
	sign, magnitude := 0, uint64(v)
	if v < 0 {
		sign, magnitude = 0x4000, -uint64(v)
	}
	var digits []int
	for ; magnitude > 0; magnitude /= 10000 {
		digits = append([]int{int(magnitude % 10000)}, digits...)
	}
	return numericWire(len(digits)-1, sign, 0, digits...)
}

func TestFormatKey(t *testing.T) {
	tests := []struct {
		keyType   KeyType
		canonical string
		want      string
	}{
		{KeyInt, le(42), "42"},
		{KeyInt, le(-42), "-42"},
		{KeyInt, le(math.MinInt64), "-9223372036854775808"},
		{KeyInt, "abc", `\x616263`},
		{KeyUUID, "0123456789abcdef", "30313233-3435-3637-3839-616263646566"},
		{KeyUUID, "abc", `\x616263`},
		{KeyText, "Zoë", "Zoë"},
		{KeyText, "a\xff", `\x61ff`},
		{KeyBytes, "a\xff", `\x61ff`},
		{KeyBytes, "", `\x`},
		{0, "a", `\x61`},
	}
	var got, want []string
	for _, tt := range tests {
		got = append(got, FormatKey(tt.keyType, []byte(tt.canonical)))
		want = append(want, tt.want)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("FormatKey (-want +got):\n%s", diff)
	}
}
