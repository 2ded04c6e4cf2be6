// Package integration holds the black-box tests: the built proxy as a process of
// its own, in front of real PostgreSQL servers, driven by real clients and by
// raw bytes on the wire. Each test has fresh databases and a proxy of its own.
package integration
