package sqlerr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// frameError stands for the errors of protocol packages.
type frameError struct{}

func (frameError) Error() string       { return "bad frame" }
func (frameError) ClientError() *Error { return ProtocolViolation("bad frame").Fatal() }

func TestFrom(t *testing.T) {
	secret := errors.New("dial tcp 10.0.0.7:5432: password=hunter2")
	cases := []struct {
		name string
		err  error
		want *Error
	}{
		{"nil", nil, nil},
		{"an Error", NullKey("t", "c"), NullKey("t", "c")},
		{"a wrapped Error", fmt.Errorf("plan: %w", NullKey("t", "c")), NullKey("t", "c")},
		{"an Error whose cause is a context", NodeLost("n").Wrap(context.Canceled), NodeLost("n")},
		{"joined", errors.Join(io.EOF, QueueTimeout("n")), QueueTimeout("n")},
		{"a ClientError", fmt.Errorf("read: %w", frameError{}), ProtocolViolation("bad frame").Fatal()},
		{"deadline", fmt.Errorf("acquire: %w", context.DeadlineExceeded), StatementTimeout()},
		{"canceled", fmt.Errorf("acquire: %w", context.Canceled), QueryCanceled()},
		{"anything else", secret, Internal(nil)},
		{"a nil Error", fmt.Errorf("odd: %w", (*Error)(nil)), Internal(nil)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := From(c.err)
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreUnexported(Error{})); diff != "" {
				t.Errorf("From(%v) (-want +got):\n%s", c.err, diff)
			}
		})
	}
	if got := From(secret); !errors.Is(got, secret) {
		t.Error("the cause is lost")
	} else if strings.Contains(got.Error()+got.Detail+got.Hint, "hunter2") {
		t.Errorf("internal text leaks to the client: %v", got)
	}
}

func TestCopies(t *testing.T) {
	base := NotSupported("x")
	before := *base
	got := base.WithDetail("d").WithHint("h").WithPosition(3).Wrap(io.EOF).Fatal()
	if diff := cmp.Diff(before, *base, cmp.AllowUnexported(Error{})); diff != "" {
		t.Errorf("the original changed:\n%s", diff)
	}
	want := &Error{
		Severity: "FATAL", SQLState: "0A000", MySQL: 1235, Message: "x",
		Detail: "d", Hint: "h", Position: 3, Fault: FaultClient,
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Error{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !errors.Is(got, io.EOF) {
		t.Error("the cause is lost")
	}
	if text := got.Error(); text != "FATAL: x (SQLSTATE 0A000)" {
		t.Errorf("text %q", text)
	}
}

func TestQuote(t *testing.T) {
	long := strings.Repeat("ä", 100)
	for in, want := range map[string]string{
		"t":        `"t"`,
		"a\x00b":   `"ab"`,
		"a\xffb":   `"a?b"`,
		long:       `"` + strings.Repeat("ä", 64) + `..."`,
		"x" + long: `"x` + strings.Repeat("ä", 63) + `?..."`,
	} {
		if got := quote(in); got != want {
			t.Errorf("quote(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestFaultNames(t *testing.T) {
	for f, want := range map[Fault]string{FaultClient: "client", FaultProxy: "proxy", FaultNode: "node", 0: "unknown"} {
		if got := f.String(); got != want {
			t.Errorf("Fault(%d) is %q, want %q", uint8(f), got, want)
		}
	}
}
