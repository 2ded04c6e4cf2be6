package pgwire

// Authentication requests (manual, section "Message Formats").
const (
	authOK           = 0
	authSASL         = 10
	authSASLContinue = 11
	authSASLFinal    = 12
)

// AppendAuthenticationOk writes an AuthenticationOk.
func AppendAuthenticationOk(dst []byte) []byte {
	return appendAuthentication(dst, authOK, nil)
}

// AppendAuthenticationSASL writes an AuthenticationSASL that offers
// mechanisms, the preferred one first.
func AppendAuthenticationSASL(dst []byte, mechanisms ...string) []byte {
	dst, mark := begin(dst, MsgAuthentication)
	dst = appendUint32(dst, authSASL)
	for _, m := range mechanisms {
		dst = appendString(dst, m)
	}
	return finish(append(dst, 0), mark)
}

// AppendAuthenticationSASLContinue writes an AuthenticationSASLContinue.
func AppendAuthenticationSASLContinue(dst, data []byte) []byte {
	return appendAuthentication(dst, authSASLContinue, data)
}

// AppendAuthenticationSASLFinal writes an AuthenticationSASLFinal.
func AppendAuthenticationSASLFinal(dst, data []byte) []byte {
	return appendAuthentication(dst, authSASLFinal, data)
}

func appendAuthentication(dst []byte, request uint32, data []byte) []byte {
	dst, mark := begin(dst, MsgAuthentication)
	dst = appendUint32(dst, request)
	return finish(append(dst, data...), mark)
}

// SASLInitialResponse is a client's choice of a mechanism (manual, section
// "SASL Authentication"). Its slices point into the frame.
type SASLInitialResponse struct {
	Mechanism []byte
	// Data is the mechanism's first message; nil: none was sent.
	Data []byte
}

// Decode reads a whole frame of type MsgPassword as a SASLInitialResponse.
func (m *SASLInitialResponse) Decode(frame []byte) error {
	c := open(frame, MsgPassword)
	mechanism := c.string()
	var data []byte
	if length := int32(c.uint32()); length != -1 {
		data = c.bytes(int(length))
	}
	if !c.end() {
		return malformed("SASLInitialResponse", reasonShort)
	}
	m.Mechanism, m.Data = mechanism, data
	return nil
}

// SASLResponse carries a later message of the mechanism (manual, section "SASL
// Authentication").
type SASLResponse struct {
	// Data points into the frame.
	Data []byte
}

// Decode reads a whole frame of type MsgPassword as a SASLResponse.
func (m *SASLResponse) Decode(frame []byte) error {
	c := open(frame, MsgPassword)
	data := c.rest()
	if !c.end() {
		return malformed("SASLResponse", reasonShort)
	}
	m.Data = data
	return nil
}
