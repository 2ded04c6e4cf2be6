// Package admin is the HTTP listener for operators: metrics, health, and the
// API behind shardctl, with its client. docs/admin-api.md describes it for those
// who call it.
//
//	GET    /metrics                     Prometheus text
//	GET    /healthz                     200 while the process lives
//	GET    /readyz                      200 while it can serve clients, else 503 and why
//	GET    /v1/status                   versions, epoch, leader, databases
//	GET    /v1/tables /v1/ring          where each table's rows are; who owns which partitions
//	POST   /v1/explain                  the plans of statements; nothing is executed
//	GET    /v1/peers                    POST joins one
//	DELETE /v1/peers/{id}               POST /v1/peers/{id}/promote makes a voter of it
//	GET    /v1/nodes                    POST adds one
//	PUT    /v1/nodes/{name}             changes one, DELETE drains and forgets it
//	GET    /v1/users /v1/users/{name}   PUT and DELETE change one
//	GET    /v1/flags /v1/flags/{name}   PUT and DELETE change one
//	POST   /v1/databases/{name}/pause   and unpause
//	POST   /v1/apply                    a document that declares rules, limits and users
//	GET    /v1/backup                   the whole topology, POST /v1/restore takes one
//
// Bodies are JSON, decoded strictly: an unknown key is an error. Errors are
// problem details (RFC 9457) with a stable code; see Problem.
//
// # Changes
//
// Only the leader decides. A peer that does not lead forwards a change to the
// leader and passes on its answer, so that callers never look for the leader:
//
//	caller -> frontDoor: authenticate, limits -> IsLeader? -> decide -> Changes
//	                                               | no
//	                                     Forwarder.Forward -> the leader's peersDoor
//
// What came in at the peers' door is never forwarded again. Each change is
// logged where it was decided: who asked, for what, and what came of it.
//
// A change is decided on one epoch and made at that epoch or not at all. Where
// the request leaves open at which one (a user, a flag), it is decided anew
// after another change came in between; where the caller was shown something
// (apply, restore), that is a conflict.
//
// # Who may ask
//
// What is served cannot be seen by others: beyond loopback the listener needs
// TLS and either a token or client certificates. On loopback without a token
// only requests for a loopback host are answered, so that a web page in a
// browser on the machine cannot ask (DNS rebinding), and none that a page of
// another site sends. With a token everything but the two health checks needs
// it. Secrets come in and are never shown, except by /v1/backup.
//
// The package imports neither the router nor the metadata store: cmd/shardproxy
// plugs in the small interfaces of views.go, cluster.go and changer.go.
package admin
