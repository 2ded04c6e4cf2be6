package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"shardproxy/meta/topology"
)

// backupKind and backupFormat begin a backup.
const (
	backupKind   = "shardproxy-backup"
	backupFormat = 1
)

// Backup is the answer of /v1/backup: the whole topology, with the passwords of
// the nodes and the verifiers of the users.
type Backup struct {
	Kind            string `json:"kind"`
	Format          int    `json:"format"`
	ContainsSecrets bool   `json:"contains_secrets"` // always true
	Version         string `json:"version"`          // of the program that made it
	ClusterID       string `json:"cluster_id"`
	Epoch           uint64 `json:"epoch"`
	Hash            string `json:"hash"` // of the topology
	// Topology is encoded by package topology.
	Topology json.RawMessage `json:"topology"`
}

// RestoreRequest is the body of POST /v1/restore.
type RestoreRequest struct {
	Backup Backup `json:"backup"`
	// DryRun: say what differs, and change nothing.
	DryRun bool `json:"dry_run,omitempty"`
	// Epoch is the one the differences were shown for; needed without DryRun.
	Epoch uint64 `json:"epoch,omitempty"`
}

func (s *Server) backup(w http.ResponseWriter, _ *http.Request) error {
	t, err := s.current()
	if err != nil {
		return err
	}
	encoded, err := t.Encode()
	if err != nil {
		return err
	}
	return writeJSON(w, Backup{
		Kind: backupKind, Format: backupFormat, ContainsSecrets: true, Version: s.opts.Version,
		ClusterID: t.ClusterID, Epoch: uint64(t.Epoch), Hash: t.Hash(), Topology: encoded,
	})
}

// decode checks a backup and returns its topology.
func (b *Backup) decode() (*topology.Topology, error) {
	const other = "Restore with a program of the version that made the backup."
	if b.Kind != backupKind || b.Format != backupFormat {
		return nil, NewProblem(CodeInvalid, fmt.Sprintf("not a backup of format %d", backupFormat), other)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, b.Topology); err != nil {
		return nil, newProblem(CodeInvalid, "the backup has no topology, or a damaged one")
	}
	t, err := topology.Decode(compact.Bytes())
	if err != nil {
		return nil, NewProblem(CodeInvalid, "the backup's topology cannot be read", other)
	}
	if t.Hash() != b.Hash {
		return nil, newProblem(CodeInvalid, "the backup is damaged: its hash is another one")
	}
	if err := t.Validate(); err != nil {
		return nil, newProblem(CodeInvalid, "the backup's topology is not valid: "+err.Error())
	}
	return t, nil
}

func (s *Server) restore(ctx context.Context, c *change) (any, error) {
	var body RestoreRequest
	if err := readJSON(c.request, &body); err != nil {
		return nil, err
	}
	c.dryRun = body.DryRun
	c.what = fmt.Sprintf("restore a backup of cluster %s at epoch %d", body.Backup.ClusterID, body.Backup.Epoch)
	if !body.DryRun && body.Epoch == 0 {
		return nil, NewProblem(CodeInvalid, "epoch is missing", "Ask with dry_run first, and give the epoch of that answer.")
	}
	restored, err := body.Backup.decode()
	if err != nil {
		return nil, err
	}
	t, err := s.current()
	if err != nil {
		return nil, err
	}
	if body.Epoch != 0 && body.Epoch != uint64(t.Epoch) {
		return nil, &topology.Conflict{Decided: topology.Epoch(body.Epoch), Current: t.Epoch, What: "the backup was compared with another state"}
	}
	answer := Differences{Epoch: uint64(t.Epoch), DryRun: body.DryRun, Differences: diffTopologies(t, restored)}
	running := runningDatabase(t)
	if running != "" {
		answer.Refused = fmt.Sprintf("database %q is not paused", running)
		answer.Hint = "Pause every database first: shardctl pause " + running
	}
	if body.DryRun {
		return answer, nil
	}
	if running != "" {
		return nil, NewProblem(CodeRefused, answer.Refused, answer.Hint)
	}
	epoch, err := s.propose(ctx, c, t.Epoch, topology.Restore{Topology: restored})
	answer.Epoch = uint64(epoch)
	return answer, err
}

// runningDatabase is the first that is not paused: nobody may use what a
// restore replaces.
func runningDatabase(t *topology.Topology) string {
	for _, name := range slices.Sorted(maps.Keys(t.Databases)) {
		if !t.Databases[name].Paused {
			return name
		}
	}
	return ""
}

// diffTopologies says what a restore replaces, in broad lines.
func diffTopologies(before, after *topology.Topology) []Difference {
	var d differ
	d.changed("cluster id", before.ClusterID, after.ClusterID)
	d.changed("epoch of the backup", strconv.FormatUint(uint64(before.Epoch), 10), strconv.FormatUint(uint64(after.Epoch), 10))
	d.changed("hash", before.Hash(), after.Hash())
	diffMaps(&d, "database ", before.Databases, after.Databases, databaseText)
	diffSets(&d, "user", slices.Collect(maps.Keys(before.Users)), slices.Collect(maps.Keys(after.Users)))
	diffMaps(&d, "flag ", before.Flags, after.Flags, func(value string) string { return value })
	if d.found == nil {
		return []Difference{}
	}
	return d.found
}

// databaseText is a database in one line.
func databaseText(db *topology.Database) string {
	return fmt.Sprintf("%d nodes, %d partitions, %d tables", len(db.Nodes), db.PartitionCount(), len(tablesOf(db)))
}
