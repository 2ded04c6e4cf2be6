package topology

// Arm announces a change: transactions in the scope of Hold wait until it is
// committed or disarmed. The change is tried at once: what could not be applied
// now cannot be armed. NewArm makes it.
type Arm struct {
	Database string
	// Change is a routing command for the same database, or a SetAll with such
	// commands.
	Change Entry
	Hold   Hold
}

// NewArm makes an Arm of a command.
func NewArm(database string, change Command, hold Hold) (Arm, error) {
	e, err := EncodeCommand(change, 0)
	return Arm{Database: database, Change: e, Hold: hold}, err
}

// CommitArmed applies the armed change.
type CommitArmed struct {
	Database string
	ID       ArmID
}

// Disarm gives the armed change up; nothing has happened then.
type Disarm struct {
	Database string
	ID       ArmID
	Reason   string
}
