package admin

import (
	"encoding"
	"time"
)

// Document declares what should be. A key that is absent leaves what is there,
// one that is present replaces it whole. Nodes are not part of it: they are
// added and removed one by one.
//
// The keys are those of the configuration file.
type Document struct {
	// Databases that are not named stay as they are.
	Databases map[string]DatabaseDocument `json:"databases,omitempty"`
	// Users are all there should be: others are removed.
	Users *[]UserDocument `json:"users,omitempty"`
}

// DatabaseDocument declares rules and limits of a database.
type DatabaseDocument struct {
	KeyOrder         *[]string                 `json:"key_order,omitempty"`
	KeyColumns       *map[string][]string      `json:"key_columns,omitempty"`
	NullKey          *string                   `json:"null_key,omitempty"`
	TablePattern     *string                   `json:"table_pattern,omitempty"`
	TablePatternKind *string                   `json:"table_pattern_kind,omitempty"`
	Tables           *map[string]TableDocument `json:"tables,omitempty"`
	Reference        *[]string                 `json:"reference,omitempty"`
	Global           *[]string                 `json:"global,omitempty"`
	Functions        *map[string]string        `json:"functions,omitempty"`
	Pool             *PoolDocument             `json:"pool,omitempty"`
}

// TableDocument is the rule of a table.
type TableDocument struct {
	Key         string   `json:"key,omitempty"`
	Column      string   `json:"column,omitempty"`
	NullKey     string   `json:"null_key,omitempty"`
	Triggers    string   `json:"triggers,omitempty"`
	Unique      []string `json:"unique,omitempty"`
	ForeignKeys []string `json:"foreign_keys,omitempty"`
}

// PoolDocument limits the connections to one node, per database and user.
type PoolDocument struct {
	Min          *int      `json:"min,omitempty"`
	Max          *int      `json:"max,omitempty"`
	QueueTimeout *Duration `json:"queue_timeout,omitempty"`
	MaxQueue     *int      `json:"max_queue,omitempty"` // 0: no limit
	// Lifetime and IdleTimeout: 0s is never.
	Lifetime    *Duration `json:"lifetime,omitempty"`
	IdleTimeout *Duration `json:"idle_timeout,omitempty"`
	Session     *bool     `json:"session,omitempty"`
}

// UserDocument is a user. Without password and secret it keeps what it has.
type UserDocument struct {
	Name            string    `json:"name"`
	Password        *Secret   `json:"password,omitempty"`
	Secret          *Secret   `json:"secret,omitempty"`
	Databases       *[]string `json:"databases,omitempty"`
	BackendUser     *string   `json:"backend_user,omitempty"`
	BackendPassword *Secret   `json:"backend_password,omitempty"`
	NodeHints       *bool     `json:"node_hints,omitempty"`
	SessionPooling  *bool     `json:"session_pooling,omitempty"`
}

func (u *UserDocument) settings() *UserSettings {
	return &UserSettings{
		Password: u.Password, Secret: u.Secret, Databases: u.Databases,
		BackendUser: u.BackendUser, BackendPassword: u.BackendPassword,
		NodeHints: u.NodeHints, SessionPooling: u.SessionPooling,
	}
}

// Duration is written with a unit: "10s".
type Duration time.Duration

var (
	_ encoding.TextMarshaler   = Duration(0)
	_ encoding.TextUnmarshaler = (*Duration)(nil)
)

// MarshalText writes the duration with its unit.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a duration with its unit.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}
