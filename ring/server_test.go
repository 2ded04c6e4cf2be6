package ring

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"pgregory.net/rapid"

	"shardproxy/internal/pgserver/pgservertest"
)

var cluster *pgservertest.Cluster

func TestMain(m *testing.M) { pgservertest.Main(m, &cluster, 1) }

func connect(t *testing.T) *pgconn.PgConn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := pgconn.Connect(ctx, cluster.NewDatabase(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return conn
}

// read lets the server read a text parameter and returns the value in its
// binary format, or false where the server refuses it.
func read(t rapid.TB, conn *pgconn.PgConn, serverType, spelling string) ([]byte, bool) {
	t.Helper()
	result := conn.ExecParams(context.Background(), "SELECT $1::"+serverType,
		[][]byte{[]byte(spelling)}, nil, nil, []int16{pgx.BinaryFormatCode}).Read()
	var refused *pgconn.PgError
	if errors.As(result.Err, &refused) {
		return nil, false
	}
	if result.Err != nil {
		t.Fatal(result.Err)
	}
	return result.Rows[0][0], true
}

// What has canonical bytes is read by a real server, as the value that has the
// same bytes in binary format.
func TestServerReadsKeysAlike(t *testing.T) {
	conn := connect(t)
	digits := rapid.StringMatching(`[-+ ]?[0-9_x.e]{0,3}[0-9]{0,20}`)
	types := []struct {
		keyType    KeyType
		serverType string
		spellings  *rapid.Generator[string]
	}{
		{KeyInt, "int8", rapid.OneOf(digits, rapid.StringMatching(`-?[1-9][0-9]{0,17}`))},
		{KeyUUID, "uuid", rapid.OneOf(
			rapid.StringMatching(`\{?([0-9a-fA-F]{4}-?){8}\}?`),
			rapid.StringMatching(`([0-9a-f]{4}-?){7}[0-9a-fA-F]{3,5}`))},
		{KeyText, "text", rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))},
		{KeyBytes, "bytea", rapid.OneOf(rapid.StringMatching(`\\x([0-9a-fA-F]{2}[ ]?){0,4}[0-9]?`),
			rapid.StringMatching(`(\\\\|\\[0-4][0-8][0-8]|[a-z \\]){0,6}`))},
	}
	for _, tt := range types {
		t.Run(tt.keyType.String(), func(t *testing.T) {
			accepted := 0
			rapid.Check(t, func(t *rapid.T) {
				for range 10 {
					spelling := tt.spellings.Draw(t, "spelling")
					key, ok := AppendText(nil, tt.keyType, []byte(spelling))
					if !ok || (tt.keyType == KeyInt && spelling[0] != '-' && int64(binary.LittleEndian.Uint64(key)) < 0) {
						continue // refused, or unsigned
					}
					accepted++
					wire, ok := read(t, conn, tt.serverType, spelling)
					if !ok {
						t.Fatalf("%q: the server refuses it", spelling)
					}
					want, ok := AppendBinary(nil, tt.keyType, wire)
					if !ok || string(want) != string(key) {
						t.Fatalf("%q: %x, the server says %x", spelling, key, wire)
					}
				}
			})
			if accepted < 100 {
				t.Errorf("only %d spellings were compared", accepted)
			}
		})
	}
}

// PostgreSQL's uuid and bytea have no spelling that we refuse for no reason.
func TestServerSpellingsAreKnown(t *testing.T) {
	conn := connect(t)
	rapid.Check(t, func(t *rapid.T) {
		for range 10 {
			serverType, keyType, spelling := "uuid", KeyUUID, ""
			if rapid.Bool().Draw(t, "uuid") {
				spelling = rapid.StringMatching(`\{?([0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}\}?`).Draw(t, "spelling")
			} else {
				serverType, keyType = "bytea", KeyBytes
				spelling = rapid.StringMatching(`(\\x)?(\\\\|\\[0-4][0-8]{2}|[0-9a-fA-F]{2}|[ \t\n\r\\x])*`).Draw(t, "spelling")
			}
			_, theirs := read(t, conn, serverType, spelling)
			_, ours := AppendText(nil, keyType, []byte(spelling))
			if ours != theirs {
				t.Fatalf("%s %q: accepted %v, by the server %v", serverType, spelling, ours, theirs)
			}
		}
	})
}

// A numeric that the server says is an integer in the range of int8 is one to
// us, in both formats.
func TestServerReadsNumericsAlike(t *testing.T) {
	conn := connect(t)
	rapid.Check(t, func(t *rapid.T) {
		for range 10 {
			spelling := rapid.StringMatching(`-?([1-9][0-9]{0,18}(\.[05]{0,6})?|0\.0{1,5}|[1-9]0{0,25})`).Draw(t, "spelling")
			wire, ok := read(t, conn, "numeric", spelling)
			if !ok {
				t.Fatalf("%q: the server refuses it", spelling)
			}
			whole, inRange := read(t, conn, "numeric::int8", spelling)
			exact, _ := read(t, conn, "numeric % 1 = 0", spelling)
			isInteger := inRange && exact[0] == 1
			key, ok := AppendNumericBinary(nil, wire)
			if ok != isInteger {
				t.Fatalf("%q: binary accepted %v, an integer to the server %v", spelling, ok, isInteger)
			}
			text, textOK := AppendNumericText(nil, []byte(spelling))
			if textOK && (!ok || string(text) != string(key)) {
				t.Fatalf("%q: text %x, binary %x", spelling, text, key)
			}
			if !ok {
				continue
			}
			if want, _ := AppendIntBinary(nil, whole); string(want) != string(key) {
				t.Fatalf("%q: %x, the server says %x", spelling, key, want)
			}
			if !textOK && spelling[:2] != "-0" {
				t.Fatalf("%q: refused as text", spelling)
			}
		}
	})
}
