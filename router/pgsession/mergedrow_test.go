package pgsession

import (
	"encoding/hex"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"shardproxy/protocol/pgwire"
	"shardproxy/router/plan"
)

func TestDecimalText(t *testing.T) {
	for _, text := range []string{"0", "-1", "12345678901234567890", "0.00", "-0.05", "1.500", "-12.75"} {
		d, ok := parseDecimal(text)
		if !ok || d.String() != text {
			t.Errorf("%s became %v", text, d)
		}
	}
	for _, text := range []string{"", "NaN", "Infinity", "1e5", "1_000", " 1", "+1", "1.2.3", "0x1"} {
		if d, ok := parseDecimal(text); ok {
			t.Errorf("%q was read as %s", text, d)
		}
	}
}

func TestDecimalArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) *decimal {
			return &decimal{
				digits: big.NewInt(rapid.Int64().Draw(t, label)),
				scale:  rapid.IntRange(0, 12).Draw(t, label+" scale"),
			}
		}
		a, b := draw("a"), draw("b")
		ra, _ := new(big.Rat).SetString(a.String())
		rb, _ := new(big.Rat).SetString(b.String())
		sum, _ := new(big.Rat).SetString(a.plus(b).String())
		if sum.Cmp(new(big.Rat).Add(ra, rb)) != 0 {
			t.Fatalf("%s + %s = %s", a, b, a.plus(b))
		}
		if a.plus(b).scale != max(a.scale, b.scale) {
			t.Fatalf("%s + %s has scale %d", a, b, a.plus(b).scale)
		}
		if a.cmp(b) != ra.Cmp(rb) {
			t.Fatalf("cmp(%s, %s) = %d", a, b, a.cmp(b))
		}
	})
}

func TestMergedRow(t *testing.T) {
	merge := &plan.Merge{Columns: []plan.MergeColumn{plan.MergeCount, plan.MergeSum, plan.MergeMin, plan.MergeMax, plan.MergeSum}}
	oids := []uint32{oidInt8, oidNumeric, oidInt4, oidInt4, oidNumeric}
	var columns []pgwire.Column
	for _, oid := range oids {
		columns = append(columns, pgwire.Column{Name: []byte("c"), Type: oid})
	}
	row := func(values ...string) []byte {
		var list [][]byte
		for _, v := range values {
			if v == "NULL" {
				list = append(list, nil)
			} else {
				list = append(list, []byte(v))
			}
		}
		return pgwire.AppendDataRow(nil, list)
	}
	run := func(binary bool) *pgwire.DataRow {
		var m mergedRow
		if err := m.describe(pgwire.AppendRowDescription(nil, columns), func(int) bool { return binary }); err != nil {
			t.Fatal(err)
		}
		for _, r := range [][]byte{row("2", "1.50", "-3", "7", "NULL"), row("0", "NULL", "NULL", "NULL", "NULL"), row("5", "2.5", "4", "9", "NULL")} {
			if err := m.add(merge, r); err != nil {
				t.Fatal(err)
			}
		}
		frame, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		var d pgwire.DataRow
		if err := d.Decode(frame); err != nil {
			t.Fatal(err)
		}
		return &d
	}
	text := run(false)
	for i, want := range []string{"7", "4.00", "-3", "9"} {
		if got := string(text.Values[i]); got != want {
			t.Errorf("column %d: %s, want %s", i, got, want)
		}
	}
	if text.Values[4] != nil {
		t.Error("all NULL must stay NULL")
	}
	binary := run(true)
	// numeric 4.00: one digit, weight 0, positive, scale 2 (numeric_send).
	for i, want := range []string{"0000000000000007", "0001000000000002" + "0004", "fffffffd", "00000009"} {
		if got := hex.EncodeToString(binary.Values[i]); got != want {
			t.Errorf("binary column %d: %s, want %s", i, got, want)
		}
	}
}

func TestMergedRowOverflow(t *testing.T) {
	var m mergedRow
	merge := &plan.Merge{Columns: []plan.MergeColumn{plan.MergeSum}}
	if err := m.describe(pgwire.AppendRowDescription(nil, []pgwire.Column{{Name: []byte("s"), Type: oidInt8}}), func(int) bool { return false }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := m.add(merge, pgwire.AppendDataRow(nil, [][]byte{[]byte("9223372036854775807")})); err != nil {
			t.Fatal(err)
		}
	}
	if frame, err := m.encode(); err == nil {
		t.Errorf("a sum that int8 cannot hold became %q", frame)
	}
	if err := m.add(merge, pgwire.AppendDataRow(nil, [][]byte{[]byte("NaN")})); err == nil {
		t.Error("NaN was merged")
	}
}
