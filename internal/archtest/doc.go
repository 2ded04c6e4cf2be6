// Package archtest holds the layers of the packages: which may import which.
// It consists of tests only; docs/architecture.md explains the layers.
package archtest
