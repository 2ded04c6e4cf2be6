// Package admin is the HTTP listener for operators: metrics, health, and the
// read-only views behind shardctl, with their client.
//
//	GET  /metrics      Prometheus text
//	GET  /healthz      200 while the process lives
//	GET  /readyz       200 while it can serve clients, else 503 and why
//	GET  /v1/status    versions, epoch, databases
//	GET  /v1/nodes     ?database=app   the nodes and their connections
//	GET  /v1/tables    ?database=app   where each table's rows are, and why
//	GET  /v1/ring      ?database=app   which node owns which partitions
//	POST /v1/explain   the plans of statements; nothing is executed
//
// Bodies are JSON, decoded strictly: an unknown key is an error. Errors are
// problem details (RFC 9457) with a stable code; see Problem.
//
// What is served cannot be seen by others: beyond loopback the listener needs
// TLS and either a token or client certificates. On loopback without a token
// only requests for a loopback host are answered, so that a web page in a
// browser on the machine cannot ask (DNS rebinding). With a token everything
// but the two health checks needs it.
//
// The package imports neither the router nor the metadata store: cmd/shardproxy
// plugs in the small interfaces of views.go.
package admin
