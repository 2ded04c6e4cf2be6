package pgstartup

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
)

// handshake is one client's startup.
type handshake struct {
	a        *Acceptor
	ctx      context.Context
	raw      net.Conn // as it was accepted
	in       stream   // over raw, or over TLS
	out      []byte   // to be sent with the next write
	deadline time.Time
	tls      *tlsState // nil: not encrypted

	sslAsked, gssAsked bool
	// mute: the client would not understand an ErrorResponse now.
	mute bool
	// ancient: the client speaks protocol 2.
	ancient bool
}

// The bytes around a packet's payload.
const (
	lengthSize  = 4
	versionSize = 4
)

func (h *handshake) run() (*Result, error) {
	version, body, err := h.firstPacket()
	if err != nil {
		return nil, err
	}
	if version == cancelRequestCode {
		return h.cancel(body)
	}
	s, err := parseStartup(version, body)
	if err != nil {
		h.ancient = version.Major() < 3
		return nil, err
	}
	if h.tls == nil && h.a.o.TLS == TLSRequire {
		return nil, sqlerr.TLSRequired()
	}
	if s.negotiate {
		h.out = pgwire.AppendNegotiateProtocolVersion(h.out, uint32(s.version), s.unknown)
	}
	if err := h.authenticate(s); err != nil {
		return nil, err
	}
	return &Result{
		Conn: h.in.conn, Deadline: h.deadline, Version: s.version,
		User: s.user, Database: s.database, Settings: s.settings,
		Encrypted: h.tls != nil,
		Unread:    append([]byte(nil), h.in.unread()...),
		pending:   h.out,
	}, nil
}

// firstPacket answers requests for encryption until another packet comes.
func (h *handshake) firstPacket() (Version, []byte, error) {
	for {
		version, body, err := h.packet()
		if err != nil {
			return 0, nil, err
		}
		switch {
		case version == sslRequestCode && !h.sslAsked && h.tls == nil:
			h.sslAsked = true
			if err := h.sslRequest(body); err != nil {
				return 0, nil, err
			}
		case version == gssencRequestCode && !h.gssAsked && h.tls == nil:
			h.gssAsked = true
			if err := h.gssencRequest(body); err != nil {
				return 0, nil, err
			}
		case version == sslRequestCode || version == gssencRequestCode:
			return 0, nil, sqlerr.ProtocolViolation("a second request for encryption").Fatal()
		default:
			return version, body, nil
		}
	}
}

// packet reads a packet without a type byte: a length that counts itself, a
// version or code, and the rest, which is valid until the next read.
func (h *handshake) packet() (Version, []byte, error) {
	for {
		head, err := h.in.peek(lengthSize)
		if err != nil {
			return 0, nil, err
		}
		if head[0] == tlsHandshakeRecord && h.tls == nil {
			if err := h.directTLS(); err != nil {
				return 0, nil, err
			}
			continue
		}
		length := binary.BigEndian.Uint32(head)
		if length < lengthSize+versionSize || length > uint32(h.a.o.MaxStartupSize) {
			return 0, nil, sqlerr.ProtocolViolation("invalid length of startup packet").
				WithDetail(fmt.Sprintf("The length is %d, the limit is %d.", length, h.a.o.MaxStartupSize)).Fatal()
		}
		b, err := h.in.take(int(length))
		if err != nil {
			return 0, nil, err
		}
		b = b[lengthSize:]
		return Version(binary.BigEndian.Uint32(b)), b[versionSize:], nil
	}
}

// gssencRequest answers that GSSAPI encryption is not available.
func (h *handshake) gssencRequest(body []byte) error {
	if err := h.requestAlone("GSSENCRequest", body); err != nil {
		return err
	}
	return h.send([]byte{'N'})
}

// requestAlone refuses anything sent along with a request for encryption:
// it came in the clear, and somebody between us and the client may have
// injected it.
func (h *handshake) requestAlone(request string, body []byte) error {
	if len(body) > 0 {
		return sqlerr.ProtocolViolation("invalid length of " + request).Fatal()
	}
	if len(h.in.unread()) > 0 {
		return sqlerr.ProtocolViolation("received unencrypted data after " + request).
			WithDetail("This could be either a client-software bug or evidence of an attempted " +
				"man-in-the-middle attack.").Fatal()
	}
	return nil
}

// cancel reads the rest of a CancelRequest. It is never answered.
func (h *handshake) cancel(body []byte) (*Result, error) {
	h.mute = true
	const pidSize, minSecret, maxSecret = 4, 4, 256
	if len(body) < pidSize+minSecret || len(body) > pidSize+maxSecret {
		return nil, sqlerr.ProtocolViolation("invalid length of CancelRequest").Fatal()
	}
	key := &CancelKey{PID: binary.BigEndian.Uint32(body), Secret: append([]byte(nil), body[pidSize:]...)}
	return &Result{Conn: h.in.conn, Deadline: h.deadline, Encrypted: h.tls != nil, Cancel: key}, nil
}

// send writes what is pending, and b.
func (h *handshake) send(b []byte) error {
	h.out = append(h.out, b...)
	_, err := h.in.conn.Write(h.out)
	h.out = h.out[:0]
	return err
}

// sendError writes an ErrorResponse in the form the client's protocol has.
func (h *handshake) sendError(e *sqlerr.Error) error {
	if h.ancient {
		return writeBy(h.in.conn, appendAncientError(nil, e))
	}
	return writeBy(h.in.conn, pgwire.AppendErrorResponse(h.out, e))
}

// appendAncientError writes the ErrorResponse of protocol 2: a text.
func appendAncientError(dst []byte, e *sqlerr.Error) []byte {
	dst = append(dst, pgwire.MsgErrorResponse)
	dst = append(dst, e.Severity...)
	dst = append(dst, ":  "...)
	dst = append(dst, e.Message...)
	return append(dst, '\n', 0)
}

// writeBy writes with a deadline of its own: the login's may have passed.
func writeBy(conn net.Conn, b []byte) error {
	if err := conn.SetDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := conn.Write(b)
	return err
}
