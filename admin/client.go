package admin

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// maxAnswer bounds what the client reads, in bytes.
const maxAnswer = 64 << 20

// ClientOptions say whom to ask.
type ClientOptions struct {
	// Addr is the URL of the admin listener; default http://127.0.0.1:7080.
	Addr string
	// Token is sent with every request when set; never in plain text to
	// another machine.
	Token string
	// TLS overrides the system's authorities and adds a client certificate.
	TLS *tls.Config
	// Timeout of one request; default 30s.
	Timeout time.Duration
}

// Client asks the admin API. Its methods may be called by several goroutines.
// Errors that the API answers are *Problem.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// NewClient checks the options; it connects to nobody yet.
func NewClient(opts ClientOptions) (*Client, error) {
	if opts.Addr == "" {
		opts.Addr = "http://127.0.0.1:7080"
	}
	if opts.Timeout == 0 {
		opts.Timeout = 30 * time.Second
	}
	base, err := url.Parse(opts.Addr)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Hostname() == "" {
		return nil, fmt.Errorf("admin: %q is not a URL like http://127.0.0.1:7080", opts.Addr)
	}
	if opts.Token != "" && base.Scheme == "http" && !isLoopback(base.Hostname()) {
		return nil, fmt.Errorf("admin: the token would travel in plain text to %s; use https", base.Host)
	}
	transport := &http.Transport{
		Proxy:               nil, // never show an administrator's token to a proxy
		TLSClientConfig:     opts.TLS,
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     time.Minute,
		ForceAttemptHTTP2:   true,
	}
	return &Client{
		base:  base,
		token: opts.Token,
		http: &http.Client{
			Transport: transport,
			Timeout:   opts.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return errors.New("the admin API does not redirect")
			},
		},
	}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status asks for versions, epoch and databases.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	return ask[Status](ctx, c, http.MethodGet, "/v1/status", nil, nil)
}

// Nodes asks for the nodes of a database; "" if there is one database only.
func (c *Client) Nodes(ctx context.Context, database string) (*Nodes, error) {
	return ask[Nodes](ctx, c, http.MethodGet, "/v1/nodes", query(database), nil)
}

// Tables asks for the tables of a database; "" if there is one database only.
func (c *Client) Tables(ctx context.Context, database string) (*Tables, error) {
	return ask[Tables](ctx, c, http.MethodGet, "/v1/tables", query(database), nil)
}

// Ring asks for the partitions of a database; "" if there is one only.
func (c *Client) Ring(ctx context.Context, database string) (*Ring, error) {
	return ask[Ring](ctx, c, http.MethodGet, "/v1/ring", query(database), nil)
}

// Explain asks for the plans of statements.
func (c *Client) Explain(ctx context.Context, request ExplainRequest) (*Explanations, error) {
	return ask[Explanations](ctx, c, http.MethodPost, "/v1/explain", nil, request)
}

func query(database string) url.Values {
	if database == "" {
		return nil
	}
	return url.Values{"database": {database}}
}

// ask sends a request and decodes its answer.
func ask[T any](ctx context.Context, c *Client, method, path string, values url.Values, body any) (*T, error) {
	target := c.base.JoinPath(path)
	target.RawQuery = values.Encode()
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("admin: %w", err)
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, target.String(), content)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	request.Header.Set("Accept", "application/json, application/problem+json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("admin: %s: %w", path, err)
	}
	if len(answer) > maxAnswer {
		return nil, fmt.Errorf("admin: %s: the answer is larger than %d bytes", path, maxAnswer)
	}
	if response.StatusCode != http.StatusOK {
		return nil, problemIn(response, answer)
	}
	decoded := new(T)
	if err := json.Unmarshal(answer, decoded); err != nil {
		return nil, fmt.Errorf("admin: %s: not an answer of shardproxy: %w", path, err)
	}
	return decoded, nil
}

// problemIn is the problem of an answer, or the status where there is none.
func problemIn(response *http.Response, answer []byte) error {
	problem := new(Problem)
	if json.Unmarshal(answer, problem) == nil && problem.Code != "" {
		return problem
	}
	return fmt.Errorf("admin: %s: status %s", response.Request.URL.Path, response.Status)
}
