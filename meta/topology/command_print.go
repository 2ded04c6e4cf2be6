package topology

import (
	"fmt"
	"log/slog"
)

// The commands that hold secrets print what they do, not what they hold.

// Format writes String, whatever the verb.
func (c BootstrapCluster) Format(f fmt.State, _ rune) { printCommand(f, c) }

// LogValue is String.
func (c BootstrapCluster) LogValue() slog.Value { return logCommand(c) }

// Format writes String, whatever the verb.
func (c Restore) Format(f fmt.State, _ rune) { printCommand(f, c) }

// LogValue is String.
func (c Restore) LogValue() slog.Value { return logCommand(c) }

// Format writes String, whatever the verb.
func (c SetAll) Format(f fmt.State, _ rune) { printCommand(f, c) }

// LogValue is String.
func (c SetAll) LogValue() slog.Value { return logCommand(c) }

// Format writes String, whatever the verb.
func (c SetUser) Format(f fmt.State, _ rune) { printCommand(f, c) }

// LogValue is String.
func (c SetUser) LogValue() slog.Value { return logCommand(c) }

// Format writes String, whatever the verb.
func (c CreateDatabase) Format(f fmt.State, _ rune) { printCommand(f, c) }

// LogValue is String.
func (c CreateDatabase) LogValue() slog.Value { return logCommand(c) }

// Format writes String, whatever the verb.
func (c AddNode) Format(f fmt.State, _ rune) { printCommand(f, c) }

// LogValue is String.
func (c AddNode) LogValue() slog.Value { return logCommand(c) }

// Format writes String, whatever the verb.
func (c SetNode) Format(f fmt.State, _ rune) { printCommand(f, c) }

// LogValue is String.
func (c SetNode) LogValue() slog.Value { return logCommand(c) }

// Format writes String, whatever the verb.
func (c Arm) Format(f fmt.State, _ rune) { printCommand(f, c) }

// LogValue is String.
func (c Arm) LogValue() slog.Value { return logCommand(c) }
