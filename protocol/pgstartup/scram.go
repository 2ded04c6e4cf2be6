package pgstartup

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/xdg-go/scram"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
)

// The SASL mechanisms (manual, section "SCRAM-SHA-256 Authentication").
const (
	mechanismPlain   = "SCRAM-SHA-256"
	mechanismBinding = "SCRAM-SHA-256-PLUS"
)

// authenticate lets the client prove that it is the user. What it is told of
// success is left pending.
func (h *handshake) authenticate(s *startup) error {
	login, known := h.a.o.Users.Login(s.user, s.database)
	byCertificate := known && h.a.o.CertificateLogin && h.tls != nil && h.tls.commonName == s.user
	if !byCertificate {
		credentials := login.Secret.stored
		if !known || login.Secret.IsZero() {
			var err error
			if credentials, err = h.a.mockCredentials(s.user); err != nil {
				return err
			}
		}
		if err := h.scram(s.user, credentials); err != nil {
			return err
		}
	}
	h.out = pgwire.AppendAuthenticationOk(h.out)
	if !known { // not reached: nobody can prove made-up credentials
		return sqlerr.InvalidPassword(s.user)
	}
	if login.Denied != nil {
		return login.Denied.Fatal()
	}
	return nil
}

// mockCredentials are for users that do not exist: they look like those of
// others, and nobody can prove them.
func (a *Acceptor) mockCredentials(user string) (scram.StoredCredentials, error) {
	mac := hmac.New(sha256.New, a.o.MockKey)
	mac.Write([]byte(user))
	keys := make([]byte, 2*scramKeySize)
	if _, err := rand.Read(keys); err != nil {
		return scram.StoredCredentials{}, sqlerr.Internal(err).Fatal()
	}
	return scram.StoredCredentials{
		KeyFactors: scram.KeyFactors{Salt: string(mac.Sum(nil)[:scramSaltSize]), Iters: scramIterations},
		StoredKey:  keys[:scramKeySize],
		ServerKey:  keys[scramKeySize:],
	}, nil
}

// scram runs the exchange (manual, section "SCRAM-SHA-256 Authentication",
// and RFC 5802). The user name inside it is ignored, as in PostgreSQL.
func (h *handshake) scram(user string, credentials scram.StoredCredentials) error {
	server, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) { return credentials, nil })
	if err != nil {
		return sqlerr.Internal(err).Fatal()
	}
	conversation := server.NewConversation()
	mechanisms := []string{mechanismPlain}
	if h.tls != nil && h.tls.binding.IsSupported() {
		conversation = server.NewConversationWithChannelBinding(h.tls.binding)
		mechanisms = []string{mechanismBinding, mechanismPlain}
	}
	if err := h.send(pgwire.AppendAuthenticationSASL(nil, mechanisms...)); err != nil {
		return err
	}
	clientFirst, err := h.saslInitial(mechanisms)
	if err != nil {
		return err
	}
	serverFirst, err := conversation.Step(clientFirst)
	if err != nil {
		return scramError(user, serverFirst, err)
	}
	if conversation.AuthzID() != "" {
		return sqlerr.NotSupported("client uses authorization identity, but it is not supported").Fatal()
	}
	if err := h.send(pgwire.AppendAuthenticationSASLContinue(nil, []byte(serverFirst))); err != nil {
		return err
	}
	clientFinal, err := h.saslResponse()
	if err != nil {
		return err
	}
	serverFinal, err := conversation.Step(clientFinal)
	if err != nil {
		return scramError(user, serverFinal, err)
	}
	if !conversation.Valid() {
		return sqlerr.InvalidPassword(user)
	}
	h.out = pgwire.AppendAuthenticationSASLFinal(h.out, []byte(serverFinal))
	return nil
}

// scramError is what the client sees of a failed step; value is the
// server-error-value of RFC 5802.
func scramError(user, value string, err error) error {
	switch value {
	case scram.ErrInvalidProof:
		return sqlerr.InvalidPassword(user).Wrap(err)
	case scram.ErrChannelBindingsDontMatch, scram.ErrServerDoesSupportChannelBinding,
		scram.ErrChannelBindingNotSupported, scram.ErrUnsupportedChannelBindingType:
		return sqlerr.InvalidAuthorization("SCRAM channel binding check failed").
			WithDetail("The client saw another certificate than the server's, or other mechanisms than it offered.").
			Wrap(err)
	}
	return sqlerr.ProtocolViolation("malformed SCRAM message").Fatal().Wrap(err)
}

// saslInitial reads the mechanism the client chose, and its first message.
func (h *handshake) saslInitial(offered []string) (string, error) {
	frame, err := h.passwordFrame()
	if err != nil {
		return "", err
	}
	var m pgwire.SASLInitialResponse
	if err := m.Decode(frame); err != nil {
		return "", err
	}
	if !slices.Contains(offered, string(m.Mechanism)) {
		return "", sqlerr.ProtocolViolation("client selected an invalid SASL authentication mechanism").
			WithHint("This server offers SCRAM-SHA-256, and SCRAM-SHA-256-PLUS where the connection allows it.").Fatal()
	}
	mechanism, data := string(m.Mechanism), string(m.Data)
	if m.Data == nil {
		// The client wants to be asked for its first message.
		if err := h.send(pgwire.AppendAuthenticationSASLContinue(nil, nil)); err != nil {
			return "", err
		}
		if data, err = h.saslResponse(); err != nil {
			return "", err
		}
	}
	// The message has to fit the mechanism: only the one with binding has "p=".
	if bound := len(data) > 0 && data[0] == 'p'; bound != (mechanism == mechanismBinding) {
		return "", sqlerr.ProtocolViolation("malformed SCRAM message").
			WithDetail("Its channel binding flag does not fit the mechanism " + mechanism + ".").Fatal()
	}
	return data, nil
}

func (h *handshake) saslResponse() (string, error) {
	frame, err := h.passwordFrame()
	if err != nil {
		return "", err
	}
	var m pgwire.SASLResponse
	if err := m.Decode(frame); err != nil {
		return "", err
	}
	return string(m.Data), nil
}

// passwordFrame reads a frame of the type that answers an authentication
// request.
func (h *handshake) passwordFrame() ([]byte, error) {
	head, err := h.in.peek(1)
	if err != nil {
		return nil, err
	}
	switch typ := head[0]; typ {
	case pgwire.MsgPassword:
	case pgwire.MsgTerminate:
		return nil, ErrClientGone
	default:
		return nil, sqlerr.ProtocolViolation(fmt.Sprintf("expected SASL response, got message type %d", typ)).Fatal()
	}
	if head, err = h.in.peek(pgwire.HeaderSize); err != nil {
		return nil, err
	}
	_, size, _, err := h.a.limits.Header(head)
	if err != nil {
		return nil, err
	}
	return h.in.take(size)
}
