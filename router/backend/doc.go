// Package backend owns the connections to the nodes: it dials and authenticates
// them (DialPostgres), keeps them in pools (Pool, one per database, user and
// node; Pools, all of a process), checks without a round trip that they are
// alive, and cancels what runs on them.
//
// A connection lives in these states, all guarded by its pool's lock:
//
//	          dial            Acquire
//	(nothing) ----> idle <-------------> held ----------+
//	                  ^       Release      |            | Discard, broken,
//	                  |                    | Release    | expired, surplus,
//	   cancel settled |                    v            v pool closed
//	                  +--------------- cancelling ---> closed
//
// A released connection goes to the client that waits longest, or becomes
// idle; the idle connection used last is taken first. While a cancel request is
// in flight a released connection is cancelling: nobody gets it until the
// server has closed the request's connection, which it does after the signal
// was delivered. So a cancel never hits another client's statement.
//
// The package refuses: to hand out a connection whose server has gone or said
// good-bye, to wait for a node that refuses connections, to serve from a server
// in recovery. It knows nothing of statements and of session state: that is the
// holder's, who may keep it in Conn.Attachment.
//
// DESIGN.md describes locks, goroutines and failures.
package backend
