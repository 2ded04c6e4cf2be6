package topology

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
)

// BootstrapCluster makes the first value of a new cluster. It is refused where
// there is anything already.
type BootstrapCluster struct {
	ClusterID string            `json:",omitzero"`
	Peers     []*Peer           `json:",omitzero"`
	Databases []*Database       `json:",omitzero"`
	Users     []*User           `json:",omitzero"`
	Flags     map[string]string `json:",omitzero"`
}

func (c BootstrapCluster) String() string { return fmt.Sprintf("bootstrap cluster %q", c.ClusterID) }

func (BootstrapCluster) kind() string { return "bootstrap_cluster" }

func (c BootstrapCluster) apply(t *Topology) (*Topology, error) {
	switch {
	case t.ClusterID != "" || len(t.Databases)+len(t.Users)+len(t.Peers)+len(t.Flags) > 0:
		return t, fmt.Errorf("cluster %q: %w", t.ClusterID, ErrExists)
	case c.ClusterID == "":
		return t, fmt.Errorf("the cluster has no id: %w", ErrInvalid)
	}
	next := *t
	next.ClusterID = c.ClusterID
	next.Peers = make(map[PeerID]*Peer, len(c.Peers))
	next.Users = make(map[string]*User, len(c.Users))
	next.Databases = make(map[string]*Database, len(c.Databases))
	for _, p := range c.Peers {
		if p == nil || next.Peers[p.ID] != nil {
			return t, fmt.Errorf("a peer is nil or named twice: %w", ErrInvalid)
		}
		next.Peers[p.ID] = p
	}
	for _, u := range c.Users {
		if u == nil || next.Users[u.Name] != nil {
			return t, fmt.Errorf("a user is nil or named twice: %w", ErrInvalid)
		}
		next.Users[u.Name] = u
	}
	for _, db := range c.Databases {
		fresh, err := next.newDatabase(db)
		if err != nil {
			return t, err
		}
		next.Databases[fresh.Name] = fresh
	}
	next.Flags = c.Flags
	return &next, nil
}

// Restore replaces the databases, users, flags and the cluster's identity by
// those of a backup. The peers stay. It is refused while a database that is
// there is not paused, and leaves all databases paused: whoever restores finds
// out where the rows are before anything is served. No change is armed, and the
// epoch is above both values' epochs, so that nodes come to refuse connections
// of either earlier time.
type Restore struct {
	Topology *Topology `json:",omitzero"`
}

// String names the backup's epoch.
func (c Restore) String() string {
	if c.Topology == nil {
		return "restore nothing"
	}
	return fmt.Sprintf("restore cluster %q as of epoch %d", c.Topology.ClusterID, c.Topology.Epoch)
}

func (Restore) kind() string { return "restore" }

func (c Restore) apply(t *Topology) (*Topology, error) {
	from := c.Topology
	if from == nil {
		return t, fmt.Errorf("there is nothing to restore: %w", ErrInvalid)
	}
	if err := t.restorable(); err != nil {
		return t, err
	}
	if from.Epoch >= maxEpoch {
		return t, fmt.Errorf("epoch %d is too large: %w", from.Epoch, ErrInvalid)
	}
	next := *t
	next.Epoch = max(t.Epoch, from.Epoch)
	next.ClusterID = cmp.Or(from.ClusterID, t.ClusterID)
	next.Users, next.Flags = keepEqual(t.Users, from.Users), from.Flags
	next.LastMove = max(t.LastMove, from.LastMove)
	next.Databases = make(map[string]*Database, len(from.Databases))
	for _, name := range sorted(from.Databases) {
		db := from.Databases[name]
		if db == nil || db.SchemaEpoch > maxEpoch {
			return t, fmt.Errorf("database %q is nil or has a schema epoch that is too large: %w", name, ErrInvalid)
		}
		next.Databases[name] = next.restored(db, t.Databases[name])
	}
	return &next, nil
}

// restored returns db as it comes back, in place of now or nothing.
func (t *Topology) restored(db, now *Database) *Database {
	db = db.Clone()
	db.Paused, db.Armed, db.Held = true, nil, t.Epoch+1
	if now != nil {
		db.SchemaEpoch = max(db.SchemaEpoch, now.SchemaEpoch)
	}
	db.SchemaEpoch = t.nextSchemaEpoch(db.SchemaEpoch)
	return db
}

// keepEqual returns now, with the users of old that are the same.
func keepEqual(old, now map[string]*User) map[string]*User {
	users := maps.Clone(now)
	for name, u := range now {
		if reflect.DeepEqual(u, old[name]) {
			users[name] = old[name]
		}
	}
	return users
}

// restorable refuses to forget what is in use or has traces on the nodes.
func (t *Topology) restorable() error {
	for _, name := range sorted(t.Databases) {
		db := t.Databases[name]
		if err := t.free(db); err != nil {
			return err
		}
		if !db.Paused {
			return fmt.Errorf("database %q is not paused: %w", name, ErrInUse)
		}
		if moves := db.Unfinished(); len(moves) > 0 {
			return fmt.Errorf("database %q: move %d is %s, abort or finish it first: %w", name, moves[0].ID, moves[0].State, ErrInUse)
		}
	}
	return nil
}
