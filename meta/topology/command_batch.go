package topology

// SetAll is several commands as one entry: all of them or none. Batch makes it.
// It cannot hold another SetAll, or commands that bootstrap, restore, arm,
// commit or disarm.
type SetAll struct {
	Commands []Entry
}

// Batch makes a SetAll of commands, which are applied in order.
func Batch(commands ...Command) (SetAll, error) {
	var all SetAll
	for _, c := range commands {
		e, err := EncodeCommand(c, 0)
		if err != nil {
			return SetAll{}, err
		}
		all.Commands = append(all.Commands, e)
	}
	return all, nil
}
