package topology

// BootstrapCluster makes the first value of a new cluster.
type BootstrapCluster struct {
	ClusterID string
	Peers     []*Peer
	Databases []*Database
	Users     []*User
	Flags     map[string]string
}

// Restore replaces the databases, users, flags and the cluster's identity by
// those of a backup. The peers stay. All databases are paused, no change is
// armed, and the epoch is above both values' epochs, so that nodes take
// connections of this cluster only.
type Restore struct {
	Topology *Topology
}
