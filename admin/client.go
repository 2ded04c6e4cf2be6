package admin

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// maxAnswer bounds what the client reads, in bytes.
const maxAnswer = 64 << 20

// dialTimeout bounds the time for a connection to one address.
const dialTimeout = 5 * time.Second

// ErrUnreachable is wrapped by errors of a Client that had no answer of any
// address.
var ErrUnreachable = errors.New("the admin API could not be reached")

// ClientOptions say whom to ask.
type ClientOptions struct {
	// Addr is the URL of the admin listener, or several, separated by commas:
	// the next is asked when one cannot be reached. Default
	// http://127.0.0.1:7080.
	Addr string
	// Token is sent with every request when set; never in plain text to
	// another machine.
	Token string
	// TLS overrides the system's authorities and adds a client certificate.
	TLS *tls.Config
	// Timeout of one request; default 30s.
	Timeout time.Duration
	// ChangeTimeout of one request that changes something; default 90s.
	ChangeTimeout time.Duration
}

// Client asks the admin API. Its methods may be called by several goroutines.
// Errors that the API answers are *Problem. Others wrap ErrUnreachable, or
// ErrOutcomeUnknown when the answer to a change was lost.
type Client struct {
	bases []*url.URL
	// first is the index of the address that answered last.
	first         atomic.Int32
	token         string
	timeout       time.Duration
	changeTimeout time.Duration
	http          *http.Client
}

// NewClient checks the options; it connects to nobody yet.
func NewClient(opts ClientOptions) (*Client, error) {
	if opts.Addr == "" {
		opts.Addr = "http://127.0.0.1:7080"
	}
	c := &Client{token: opts.Token, timeout: opts.Timeout, changeTimeout: opts.ChangeTimeout}
	if c.timeout == 0 {
		c.timeout = 30 * time.Second
	}
	if c.changeTimeout == 0 {
		c.changeTimeout = 90 * time.Second
	}
	for addr := range strings.SplitSeq(opts.Addr, ",") {
		addr = strings.TrimSpace(addr)
		base, err := url.Parse(addr)
		if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Hostname() == "" {
			return nil, fmt.Errorf("admin: %q is not a URL like http://127.0.0.1:7080", addr)
		}
		if opts.Token != "" && base.Scheme == "http" && !isLoopback(base.Hostname()) {
			return nil, fmt.Errorf("admin: the token would travel in plain text to %s; use https", base.Host)
		}
		c.bases = append(c.bases, base)
	}
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy:               nil, // never show an administrator's token to a proxy
			DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSClientConfig:     opts.TLS,
			TLSHandshakeTimeout: dialTimeout,
			IdleConnTimeout:     time.Minute,
			ForceAttemptHTTP2:   true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("the admin API does not redirect")
		},
	}
	return c, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call is one question to the API.
type call struct {
	method string
	// path is escaped.
	path   string
	values url.Values
	body   any
	// changes: it must not be sent twice.
	changes bool
}

// ask sends a request and decodes its answer.
func ask[T any](ctx context.Context, c *Client, q call) (*T, error) {
	answer, err := c.raw(ctx, q)
	if err != nil {
		return nil, err
	}
	decoded := new(T)
	if err := json.Unmarshal(answer, decoded); err != nil {
		return nil, fmt.Errorf("admin: %s: not an answer of shardproxy: %w", q.path, err)
	}
	return decoded, nil
}

// raw returns an answer as it is. It asks one address after the other, as long
// as none has received the question.
func (c *Client) raw(ctx context.Context, q call) ([]byte, error) {
	timeout := c.timeout
	if q.changes {
		timeout = c.changeTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var body []byte
	if q.body != nil {
		var err error
		if body, err = encodeJSON(q.body); err != nil {
			return nil, fmt.Errorf("admin: %w", err)
		}
	}
	first, lost := int(c.first.Load()), []error(nil)
	for i := range c.bases {
		at := (first + i) % len(c.bases)
		answer, err := c.rawAt(ctx, c.bases[at], q, body)
		failure, ok := errors.AsType[*transportError](err)
		if !ok {
			c.first.Store(int32(at))
			return answer, err
		}
		if q.changes && !failure.unsent {
			return nil, fmt.Errorf("admin: %s %s at %s: %w: %w", q.method, q.path, c.bases[at].Host, ErrOutcomeUnknown, failure.err)
		}
		lost = append(lost, fmt.Errorf("%s: %w", c.bases[at].Host, failure.err))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrUnreachable, errors.Join(lost...))
}

// transportError is that of a request without an answer.
type transportError struct {
	// unsent: nobody received the request.
	unsent bool
	err    error
}

func (e *transportError) Error() string { return e.err.Error() }

func (e *transportError) Unwrap() error { return e.err }

func (c *Client) rawAt(ctx context.Context, base *url.URL, q call, body []byte) ([]byte, error) {
	target := base.JoinPath(q.path)
	target.RawQuery = q.values.Encode()
	request, err := http.NewRequestWithContext(ctx, q.method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	request.Header.Set("Accept", "application/json, application/problem+json")
	if q.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, transportFailure(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, &transportError{err: err}
	}
	if len(answer) > maxAnswer {
		return nil, fmt.Errorf("admin: %s: the answer is larger than %d bytes", q.path, maxAnswer)
	}
	if response.StatusCode != http.StatusOK {
		return nil, problemIn(response, answer)
	}
	return answer, nil
}

// transportFailure says whether a request can have been received. Only where
// no connection came about, or no TLS session, it surely has not.
func transportFailure(err error) error {
	op, isOp := errors.AsType[*net.OpError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	// "remote error" is a TLS alert: the server did not take our certificate.
	unsent := untrusted || notTLS || isOp && (op.Op == "dial" || op.Op == "remote error")
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err // the URL is said by the caller
	}
	return &transportError{unsent: unsent, err: err}
}

// problemIn is the problem of an answer, or the status where there is none.
func problemIn(response *http.Response, answer []byte) error {
	problem := new(Problem)
	if json.Unmarshal(answer, problem) == nil && problem.Code != "" {
		return problem
	}
	return fmt.Errorf("admin: %s: status %s", response.Request.URL.Path, response.Status)
}
