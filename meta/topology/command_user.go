package topology

// SetUser adds a user or replaces one.
type SetUser struct{ User User }

// RemoveUser removes a user.
type RemoveUser struct{ Name string }
