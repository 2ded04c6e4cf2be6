// Package pgstartup is the server's side of PostgreSQL's startup: everything
// before the first ReadyForQuery (PostgreSQL manual, chapter
// "Frontend/Backend Protocol", sections "Start-up", "SSL Session Encryption",
// "GSSAPI Session Encryption", "SASL Authentication" and "Canceling Requests
// in Progress").
//
//	                    +-- GSSENCRequest: N --+
//	                    v                      |
//	connection --> first packet ---------------+
//	                    |  ^                   |
//	                    |  +-- SSLRequest: N --+
//	                    |  +-- SSLRequest: S, TLS handshake
//	                    |
//	                    +--> CancelRequest --> Result.Cancel
//	                    |
//	                    v
//	              StartupMessage --> (NegotiateProtocolVersion)
//	                    |
//	                    v
//	           client certificate or SCRAM-SHA-256(-PLUS)
//	                    |
//	                    v
//	           Result --> Ready: AuthenticationOk, ParameterStatus,
//	              |              BackendKeyData, ReadyForQuery
//	              +-----> Fail:  AuthenticationOk, ErrorResponse
//
// Between Accept and Ready the caller may do what it needs, such as asking a
// node for its parameters.
//
// It refuses: protocol 2, replication connections, passwords in the clear or
// as MD5, command line options of the server other than settings, bytes that
// were sent in the clear behind a request for encryption, and, where TLS is
// required, logins without it. Whether a user or a database exists is not
// revealed before the password was right.
package pgstartup
