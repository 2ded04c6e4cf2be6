package pgwire

// Message types a client sends (manual, section "Message Formats").
const (
	MsgBind         byte = 'B'
	MsgClose        byte = 'C'
	MsgCopyFail     byte = 'f'
	MsgDescribe     byte = 'D'
	MsgExecute      byte = 'E'
	MsgFlush        byte = 'H'
	MsgFunctionCall byte = 'F'
	MsgParse        byte = 'P'
	// MsgPassword is PasswordMessage, SASLInitialResponse, SASLResponse and
	// GSSResponse: which one is known from the context.
	MsgPassword  byte = 'p'
	MsgQuery     byte = 'Q'
	MsgSync      byte = 'S'
	MsgTerminate byte = 'X'
)

// Message types both sides send.
const (
	MsgCopyData byte = 'd'
	MsgCopyDone byte = 'c'
)

// Message types a server sends (manual, section "Message Formats").
const (
	MsgAuthentication           byte = 'R'
	MsgBackendKeyData           byte = 'K'
	MsgBindComplete             byte = '2'
	MsgCloseComplete            byte = '3'
	MsgCommandComplete          byte = 'C'
	MsgCopyBothResponse         byte = 'W'
	MsgCopyInResponse           byte = 'G'
	MsgCopyOutResponse          byte = 'H'
	MsgDataRow                  byte = 'D'
	MsgEmptyQueryResponse       byte = 'I'
	MsgErrorResponse            byte = 'E'
	MsgFunctionCallResponse     byte = 'V'
	MsgNegotiateProtocolVersion byte = 'v'
	MsgNoData                   byte = 'n'
	MsgNoticeResponse           byte = 'N'
	MsgNotificationResponse     byte = 'A'
	MsgParameterDescription     byte = 't'
	MsgParameterStatus          byte = 'S'
	MsgParseComplete            byte = '1'
	MsgPortalSuspended          byte = 's'
	MsgReadyForQuery            byte = 'Z'
	MsgRowDescription           byte = 'T'
)

// Formats of parameters and columns (manual, section "Formats and Format
// Codes").
const (
	FormatText   int16 = 0
	FormatBinary int16 = 1
)

// Kinds of the object a Describe or Close message names.
const (
	KindPortal    byte = 'P'
	KindStatement byte = 'S'
)

// Transaction states of ReadyForQuery.
const (
	TxIdle   byte = 'I' // not in a transaction block
	TxActive byte = 'T' // in a transaction block
	TxFailed byte = 'E' // in a failed transaction block
)

// FrontendName is the manual's name of a message type a client sends, or "".
func FrontendName(typ byte) string {
	switch typ {
	case MsgBind:
		return "Bind"
	case MsgClose:
		return "Close"
	case MsgCopyData:
		return "CopyData"
	case MsgCopyDone:
		return "CopyDone"
	case MsgCopyFail:
		return "CopyFail"
	case MsgDescribe:
		return "Describe"
	case MsgExecute:
		return "Execute"
	case MsgFlush:
		return "Flush"
	case MsgFunctionCall:
		return "FunctionCall"
	case MsgParse:
		return "Parse"
	case MsgPassword:
		return "PasswordMessage"
	case MsgQuery:
		return "Query"
	case MsgSync:
		return "Sync"
	case MsgTerminate:
		return "Terminate"
	default:
		return ""
	}
}

// BackendName is the manual's name of a message type a server sends, or "".
func BackendName(typ byte) string {
	switch typ {
	case MsgAuthentication:
		return "Authentication"
	case MsgBackendKeyData:
		return "BackendKeyData"
	case MsgBindComplete:
		return "BindComplete"
	case MsgCloseComplete:
		return "CloseComplete"
	case MsgCommandComplete:
		return "CommandComplete"
	case MsgCopyBothResponse:
		return "CopyBothResponse"
	case MsgCopyData:
		return "CopyData"
	case MsgCopyDone:
		return "CopyDone"
	case MsgCopyInResponse:
		return "CopyInResponse"
	case MsgCopyOutResponse:
		return "CopyOutResponse"
	case MsgDataRow:
		return "DataRow"
	case MsgEmptyQueryResponse:
		return "EmptyQueryResponse"
	case MsgErrorResponse:
		return "ErrorResponse"
	case MsgFunctionCallResponse:
		return "FunctionCallResponse"
	case MsgNegotiateProtocolVersion:
		return "NegotiateProtocolVersion"
	case MsgNoData:
		return "NoData"
	case MsgNoticeResponse:
		return "NoticeResponse"
	case MsgNotificationResponse:
		return "NotificationResponse"
	case MsgParameterDescription:
		return "ParameterDescription"
	case MsgParameterStatus:
		return "ParameterStatus"
	case MsgParseComplete:
		return "ParseComplete"
	case MsgPortalSuspended:
		return "PortalSuspended"
	case MsgReadyForQuery:
		return "ReadyForQuery"
	case MsgRowDescription:
		return "RowDescription"
	default:
		return ""
	}
}
