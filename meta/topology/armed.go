package topology

// ArmID names an armed change: the epoch at which it was armed.
type ArmID Epoch

// Armed is a change that has been announced to all peers and not been made yet.
// While it stands, new transactions in its scope wait.
type Armed struct {
	ID ArmID `json:",omitzero"`
	// Change is the command that CommitArmed will apply.
	Change Entry `json:",omitzero"`
	// What says in words what the change does.
	What string `json:",omitzero"`
	Hold Hold   `json:",omitzero"`
}

// Hold says which transactions wait while a change is armed. A peer may always
// hold more than that.
type Hold struct {
	// Tables limits the hold to transactions that touch one of them. Empty: all
	// transactions of the database.
	Tables []TableName `json:",omitzero"`
}
