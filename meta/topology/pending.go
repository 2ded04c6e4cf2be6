package topology

import "errors"

var errPending = errors.New("not applied yet")

func (BootstrapCluster) kind() string                       { return "bootstrap_cluster" }
func (c BootstrapCluster) String() string                   { return c.kind() }
func (BootstrapCluster) apply(*Topology) (*Topology, error) { return nil, errPending }

func (Restore) kind() string                       { return "restore" }
func (c Restore) String() string                   { return c.kind() }
func (Restore) apply(*Topology) (*Topology, error) { return nil, errPending }

func (SetAll) kind() string                       { return "set_all" }
func (c SetAll) String() string                   { return c.kind() }
func (SetAll) apply(*Topology) (*Topology, error) { return nil, errPending }

func (PutPeer) kind() string                       { return "put_peer" }
func (c PutPeer) String() string                   { return c.kind() }
func (PutPeer) apply(*Topology) (*Topology, error) { return nil, errPending }

func (RemovePeer) kind() string                       { return "remove_peer" }
func (c RemovePeer) String() string                   { return c.kind() }
func (RemovePeer) apply(*Topology) (*Topology, error) { return nil, errPending }

func (PeerStarted) kind() string                       { return "peer_started" }
func (c PeerStarted) String() string                   { return c.kind() }
func (PeerStarted) apply(*Topology) (*Topology, error) { return nil, errPending }

func (SetUser) kind() string                       { return "set_user" }
func (c SetUser) String() string                   { return c.kind() }
func (SetUser) apply(*Topology) (*Topology, error) { return nil, errPending }

func (RemoveUser) kind() string                       { return "remove_user" }
func (c RemoveUser) String() string                   { return c.kind() }
func (RemoveUser) apply(*Topology) (*Topology, error) { return nil, errPending }

func (SetFlag) kind() string                       { return "set_flag" }
func (c SetFlag) String() string                   { return c.kind() }
func (SetFlag) apply(*Topology) (*Topology, error) { return nil, errPending }

func (UnsetFlag) kind() string                       { return "unset_flag" }
func (c UnsetFlag) String() string                   { return c.kind() }
func (UnsetFlag) apply(*Topology) (*Topology, error) { return nil, errPending }

func (CreateDatabase) kind() string                       { return "create_database" }
func (c CreateDatabase) String() string                   { return c.kind() }
func (CreateDatabase) apply(*Topology) (*Topology, error) { return nil, errPending }

func (DropDatabase) kind() string                       { return "drop_database" }
func (c DropDatabase) String() string                   { return c.kind() }
func (DropDatabase) apply(*Topology) (*Topology, error) { return nil, errPending }

func (SetPool) kind() string                       { return "set_pool" }
func (c SetPool) String() string                   { return c.kind() }
func (SetPool) apply(*Topology) (*Topology, error) { return nil, errPending }

func (Pause) kind() string                       { return "pause" }
func (c Pause) String() string                   { return c.kind() }
func (Pause) apply(*Topology) (*Topology, error) { return nil, errPending }

func (Unpause) kind() string                       { return "unpause" }
func (c Unpause) String() string                   { return c.kind() }
func (Unpause) apply(*Topology) (*Topology, error) { return nil, errPending }

func (SetSchema) kind() string                       { return "set_schema" }
func (c SetSchema) String() string                   { return c.kind() }
func (SetSchema) apply(*Topology) (*Topology, error) { return nil, errPending }

func (SetRules) kind() string                       { return "set_rules" }
func (c SetRules) String() string                   { return c.kind() }
func (SetRules) apply(*Topology) (*Topology, error) { return nil, errPending }

func (AddNode) kind() string                       { return "add_node" }
func (c AddNode) String() string                   { return c.kind() }
func (AddNode) apply(*Topology) (*Topology, error) { return nil, errPending }

func (SetNode) kind() string                       { return "set_node" }
func (c SetNode) String() string                   { return c.kind() }
func (SetNode) apply(*Topology) (*Topology, error) { return nil, errPending }

func (RemoveNode) kind() string                       { return "remove_node" }
func (c RemoveNode) String() string                   { return c.kind() }
func (RemoveNode) apply(*Topology) (*Topology, error) { return nil, errPending }

func (SetOwners) kind() string                       { return "set_owners" }
func (c SetOwners) String() string                   { return c.kind() }
func (SetOwners) apply(*Topology) (*Topology, error) { return nil, errPending }

func (Arm) kind() string                       { return "arm" }
func (c Arm) String() string                   { return c.kind() }
func (Arm) apply(*Topology) (*Topology, error) { return nil, errPending }

func (CommitArmed) kind() string                       { return "commit_armed" }
func (c CommitArmed) String() string                   { return c.kind() }
func (CommitArmed) apply(*Topology) (*Topology, error) { return nil, errPending }

func (Disarm) kind() string                       { return "disarm" }
func (c Disarm) String() string                   { return c.kind() }
func (Disarm) apply(*Topology) (*Topology, error) { return nil, errPending }

func (PlanMoves) kind() string                       { return "plan_moves" }
func (c PlanMoves) String() string                   { return c.kind() }
func (PlanMoves) apply(*Topology) (*Topology, error) { return nil, errPending }

func (AdvanceMove) kind() string                       { return "advance_move" }
func (c AdvanceMove) String() string                   { return c.kind() }
func (AdvanceMove) apply(*Topology) (*Topology, error) { return nil, errPending }

func (GiveUpReverse) kind() string                       { return "give_up_reverse" }
func (c GiveUpReverse) String() string                   { return c.kind() }
func (GiveUpReverse) apply(*Topology) (*Topology, error) { return nil, errPending }
