package pgwire

// NotificationResponse is a message of NOTIFY (manual, section "Asynchronous
// Operations"). Its slices point into the frame.
type NotificationResponse struct {
	PID              uint32
	Channel, Payload []byte
}

// Decode reads a whole NotificationResponse frame.
func (m *NotificationResponse) Decode(frame []byte) error {
	c := open(frame, MsgNotificationResponse)
	pid := c.uint32()
	channel := c.string()
	payload := c.string()
	if !c.end() {
		return malformed("NotificationResponse", reasonShort)
	}
	m.PID, m.Channel, m.Payload = pid, channel, payload
	return nil
}
