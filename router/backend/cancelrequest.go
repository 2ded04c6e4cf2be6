package backend

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/internal/nonblock"
)

// Codes of the packets that come instead of a StartupMessage (manual, section
// 55.7).
const (
	sslRequestCode    = 80877103
	cancelRequestCode = 80877102
)

// cancelTimeout bounds a cancel request whose context has no earlier end.
const cancelTimeout = 10 * time.Second

// cancelRequest cancels what runs on one PostgreSQL connection (manual, section
// 55.2.8 Canceling Requests in Progress). It also makes the connection, so as
// to remember which server it reached.
type cancelRequest struct {
	dialer           net.Dialer
	network, address string
	tls              *tls.Config // nil: not encrypted
	direct           bool        // TLS without asking first
	packet           []byte
}

// dial connects, and remembers the address: the last one dialled is the one
// whose login succeeded.
func (r *cancelRequest) dial(ctx context.Context, network, address string) (net.Conn, error) {
	r.network, r.address = network, address
	conn, err := r.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return nonblock.Wrap(conn), nil
}

// prepare makes the request for an established connection.
func (r *cancelRequest) prepare(h *pgconn.HijackedConn) {
	r.tls = cancelTLS(h)
	r.direct = h.Config.SSLNegotiation == "direct"
	r.packet = make([]byte, 0, 12+len(h.SecretKey))
	r.packet = binary.BigEndian.AppendUint32(r.packet, uint32(12+len(h.SecretKey)))
	r.packet = binary.BigEndian.AppendUint32(r.packet, cancelRequestCode)
	r.packet = binary.BigEndian.AppendUint32(r.packet, h.PID)
	r.packet = append(r.packet, h.SecretKey...)
}

// send sends the request and waits until the server closes its connection: it
// does so after it has signalled the server process. A process that is idle by
// then, or becomes idle before it looks at the signal, ignores it. So once send
// reports that the request is settled, no later statement can be hit.
func (r *cancelRequest) send(ctx context.Context) (settled bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, cancelTimeout)
	defer cancel()
	nc, err := r.dialer.DialContext(ctx, r.network, r.address)
	if err != nil {
		return true, fmt.Errorf("cancel request: %w", err)
	}
	defer func() { _ = nc.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	defer stop()
	secured, err := r.secure(ctx, nc)
	if err != nil {
		return true, fmt.Errorf("cancel request: TLS: %w", err)
	}
	if _, err := secured.Write(r.packet); err != nil {
		return false, fmt.Errorf("cancel request: write: %w", err)
	}
	if err := awaitClose(secured); err != nil {
		return false, fmt.Errorf("cancel request: wait for the server: %w", errors.Join(err, context.Cause(ctx)))
	}
	return true, nil
}

// secure encrypts nc where the connection to cancel is encrypted.
func (r *cancelRequest) secure(ctx context.Context, nc net.Conn) (net.Conn, error) {
	if r.tls == nil {
		return nc, nil
	}
	if !r.direct {
		request := binary.BigEndian.AppendUint32(nil, 8)
		if _, err := nc.Write(binary.BigEndian.AppendUint32(request, sslRequestCode)); err != nil {
			return nil, err
		}
		var answer [1]byte
		if _, err := io.ReadFull(nc, answer[:]); err != nil {
			return nil, err
		}
		if answer[0] != 'S' {
			return nil, errors.New("refused by the server")
		}
	}
	t := tls.Client(nc, r.tls)
	return t, t.HandshakeContext(ctx)
}

// awaitClose reads until the server has closed the connection. A server process
// does not always say good-bye in TLS.
func awaitClose(nc net.Conn) error {
	_, err := io.Copy(io.Discard, nc)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
