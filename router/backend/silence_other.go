//go:build !linux

package backend

import "syscall"

// limitSilence does nothing where the system has no such setting.
func limitSilence(string, string, syscall.RawConn) error { return nil }
