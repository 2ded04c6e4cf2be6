package topology

// SetFlag sets a flag of FlagTable. The value is stored in its canonical
// spelling.
type SetFlag struct{ Name, Value string }

// UnsetFlag gives a flag its default again.
type UnsetFlag struct{ Name string }
