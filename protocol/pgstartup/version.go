package pgstartup

import "fmt"

// Version is a version of the protocol: major<<16 | minor.
type Version uint32

// The versions that matter.
const (
	Version30 Version = 3 << 16
	// Version32 has cancel keys of variable length. It is the newest version
	// spoken here.
	Version32 Version = 3<<16 | 2
)

// Codes that stand in the place of a version (manual, section "Message
// Formats").
const (
	cancelRequestCode Version = 1234<<16 | 5678
	sslRequestCode    Version = 1234<<16 | 5679
	gssencRequestCode Version = 1234<<16 | 5680
)

// Major is the major version.
func (v Version) Major() uint16 { return uint16(v >> 16) }

// Minor is the minor version.
func (v Version) Minor() uint16 { return uint16(v) }

// LongKeys reports whether cancel keys may have more than four bytes.
func (v Version) LongKeys() bool { return v >= Version32 }

// String is like "3.2".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major(), v.Minor()) }
