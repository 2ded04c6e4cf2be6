package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Frames that are none: one error, and the connection is closed. Only that
// client is affected.
func TestMalformedFrames(t *testing.T) {
	t.Parallel()
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	frames := map[string]string{
		"length 0":               "Q\x00\x00\x00\x00",
		"length 3":               "Q\x00\x00\x00\x03",
		"a negative length":      "Q\xff\xff\xff\xff",
		"the smallest length":    "Q\x80\x00\x00\x00",
		"length 2^31-1":          "Q\x7f\xff\xff\xff",
		"a Sync of 2^31-1":       "S\x7f\xff\xff\xff",
		"a Describe of 1 MiB":    "D\x00\x10\x00\x00",
		"an unknown type":        "z\x00\x00\x00\x04",
		"a type of the server's": "Z\x00\x00\x00\x05I",
		"NUL bytes":              strings.Repeat("\x00", 64),
		"0xff":                   strings.Repeat("\xff", 64),
		"a password":             "p\x00\x00\x00\x08abc\x00",
		"a startup message":      string(login()),
		"an SSLRequest":          string(packet(sslRequest, "")),
		"TLS":                    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"HTTP":                   "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
	}
	before := map[string]func(w *wire){
		"idle": func(*wire) {},
		"in a transaction": func(w *wire) {
			w.simple("BEGIN")
			w.simple(insertTitle(a, "lost"))
		},
		"in a batch": func(w *wire) {
			w.send(append(group(insertTitle(a, "lost")), &pgproto3.Flush{})...)
			w.until("C")
		},
		"in COPY": func(w *wire) {
			w.send(&pgproto3.Query{String: copyRows})
			w.until("G")
			w.send(&pgproto3.CopyData{Data: fmt.Appendf(nil, "1\t%d\tlost\t1\n", a)})
		},
	}
	other := p.wire()
	for state, enter := range before {
		for name, frame := range frames {
			t.Run(state+", "+name, func(t *testing.T) {
				w := wireTo(t, p.dsn())
				enter(w)
				if _, err := w.conn.Write([]byte(frame)); err != nil {
					t.Fatal(err)
				}
				if got := closing(t, w); !slices.Equal(errorsIn(got), []string{"08P01"}) || len(got) != 1 {
					t.Errorf("got %q, want one error", got)
				}
				// The only connection to the node is free again.
				if got := other.simple(selectTitle(a)); !slices.Equal(got, []string{"T title", "C SELECT 0", "Z I"}) {
					t.Errorf("another client: %q", got)
				}
			})
		}
	}
}

// Messages whose frame is right and whose content is not: the answers of a plain
// server, also to what follows.
func TestMalformedMessages(t *testing.T) {
	t.Parallel()
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	plain := cluster.NewDatabase(t, 0)
	do(t, connect(t, plain), schema)
	// Where the proxy gives another reason: a plain server's and its own.
	refusals := map[string]string{
		"a FunctionCall":                "E 42883 E 0A000", // no FunctionCall is supported
		"a FunctionCall of nothing":     "E 08P01 E 0A000",
		"a Bind with a wild length":     "E 26000 E 08P01", // it reads all of a message first
		"a Bind with a negative length": "E 26000 E 08P01",
		"a Bind with three formats":     "E 26000 E 08P01",
	}
	for name, message := range map[string]string{
		"a Query without its end":          "Q\x00\x00\x00\x0cSELECT 1",
		"a Query with bytes behind":        "Q\x00\x00\x00\x0fSELECT 1\x00xx",
		"an empty Query":                   "Q\x00\x00\x00\x04",
		"a Parse without its text":         "P\x00\x00\x00\x05\x00",
		"a Parse with a negative count":    "P\x00\x00\x00\x10\x00SELECT 1\x00\xff\xff",
		"a Parse with too many types":      "P\x00\x00\x00\x10\x00SELECT 1\x00\x00\x09",
		"a Bind of nothing":                "B\x00\x00\x00\x04",
		"a Bind with a wild length":        "B\x00\x00\x00\x10\x00\x00\x00\x00\x00\x01\x7f\xff\xff\xff\x00\x00",
		"a Bind with a negative length":    "B\x00\x00\x00\x10\x00\x00\x00\x00\x00\x01\xff\xff\xff\xfe\x00\x00",
		"a Bind with three formats":        "B\x00\x00\x00\x16\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00",
		"a Describe of an unknown kind":    "D\x00\x00\x00\x06x\x00",
		"a Describe without a name":        "D\x00\x00\x00\x05S",
		"a Close of an unknown kind":       "C\x00\x00\x00\x06x\x00",
		"an Execute without a limit":       "E\x00\x00\x00\x05\x00",
		"an Execute with bytes behind":     "E\x00\x00\x00\x0a\x00\x00\x00\x00\x00\x00",
		"a Sync with bytes behind":         "S\x00\x00\x00\x05x",
		"a Flush with bytes behind":        "H\x00\x00\x00\x05x",
		"a FunctionCall":                   "F\x00\x00\x00\x0e\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00",
		"a FunctionCall of nothing":        "F\x00\x00\x00\x04",
		"a CopyFail without its end":       "f\x00\x00\x00\x05x",
		"a Describe of a name nobody gave": "D\x00\x00\x00\x0aSnope\x00",
	} {
		t.Run(name, func(t *testing.T) {
			for _, state := range []string{"idle", "in a transaction"} {
				run := func(dsn string) []string {
					w := wireTo(t, dsn)
					if state != "idle" {
						w.simple("BEGIN")
						w.simple(insertTitle(a, "lost"))
					}
					if _, err := w.conn.Write([]byte(message)); err != nil {
						t.Fatal(err)
					}
					w.send(&pgproto3.Sync{}, &pgproto3.Query{String: "ROLLBACK"}, &pgproto3.Terminate{})
					return closing(t, w)
				}
				want, got := run(plain), run(p.dsn())
				for i, m := range want {
					if other := refusals[name]; other != "" && m == other[:7] {
						want[i] = other[8:]
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-plain +proxy):\n%s", state, diff)
				}
			}
			if n := total(p.countOn("documents", "")); n != 0 {
				t.Errorf("%d rows were kept", n)
			}
			if got := wireTo(t, p.dsn()).simple(selectTitle(a)); !slices.Equal(got, []string{"T title", "C SELECT 0", "Z I"}) {
				t.Errorf("another client: %q", got)
			}
		})
	}
}
