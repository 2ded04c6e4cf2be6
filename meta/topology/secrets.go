package topology

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

// What holds passwords, verifiers or DSNs prints itself without them: with every
// verb of package fmt, and as a value of a log record. Only Encode and
// EncodeCommand write them.

// String names the user and shows no secret.
func (u User) String() string {
	return fmt.Sprintf("user %q (databases %q)", u.Name, u.Databases)
}

// Format writes String, whatever the verb.
func (u User) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// LogValue is String.
func (u User) LogValue() slog.Value { return slog.StringValue(u.String()) }

// String names the node and shows no DSN.
func (n Node) String() string {
	return fmt.Sprintf("node %q (slot %d, weight %d, %s)", n.ID, n.Slot, n.Weight, n.State)
}

// Format writes String, whatever the verb.
func (n Node) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, n.String()) }

// LogValue is String.
func (n Node) LogValue() slog.Value { return slog.StringValue(n.String()) }

// String says how much there is to the entry, and shows nothing of it.
func (e Entry) String() string { return fmt.Sprintf("entry of %d bytes", len(e)) }

// Format writes String, whatever the verb.
func (e Entry) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.String()) }

// LogValue is String.
func (e Entry) LogValue() slog.Value { return slog.StringValue(e.String()) }

// String says what is armed.
func (a Armed) String() string { return fmt.Sprintf("change %d: %s", a.ID, a.What) }

// Format writes String, whatever the verb.
func (a Armed) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }

// LogValue is String.
func (a Armed) LogValue() slog.Value { return slog.StringValue(a.String()) }

// String counts what there is.
func (t *Topology) String() string {
	if t == nil {
		return "no topology"
	}
	names := slices.Sorted(maps.Keys(t.Databases))
	return fmt.Sprintf("topology of cluster %q at epoch %d (databases %q, %d users, %d peers)",
		t.ClusterID, t.Epoch, names, len(t.Users), len(t.Peers))
}

// Format writes String, whatever the verb.
func (t *Topology) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue is String.
func (t *Topology) LogValue() slog.Value { return slog.StringValue(t.String()) }

// String names the database and its nodes.
func (d *Database) String() string {
	if d == nil {
		return "no database"
	}
	ids := make([]string, len(d.Nodes))
	for i := range d.Nodes {
		ids[i] = string(d.Nodes[i].ID)
	}
	return fmt.Sprintf("database %q (%s, %d partitions, nodes %s, %d relations)",
		d.Name, d.Engine, d.PartitionCount(), strings.Join(ids, ", "), len(d.Relations))
}

// Format writes String, whatever the verb.
func (d *Database) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.String()) }

// LogValue is String.
func (d *Database) LogValue() slog.Value { return slog.StringValue(d.String()) }

// printCommand writes a command's String, whatever the verb.
func printCommand(f fmt.State, c Command) { _, _ = io.WriteString(f, c.String()) }

func logCommand(c Command) slog.Value { return slog.StringValue(c.String()) }
