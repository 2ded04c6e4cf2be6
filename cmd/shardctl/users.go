package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

func newUsersCommand(f *flags) *cobra.Command {
	group := plainListing(f, "users", "Show who may log in to the proxy",
		func(ctx context.Context, c *admin.Client) (*admin.Users, error) { return c.Users(ctx) }, showUsers)
	group.AddCommand(newSetUserCommand(f), &cobra.Command{
		Use:               "remove NAME",
		Short:             "Remove a user; its open sessions end",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeFirst(userNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return changed(f, cmd, "user "+args[0]+" removed", func(ctx context.Context, c *admin.Client) (*admin.Changed, error) {
				return c.RemoveUser(ctx, args[0])
			})
		},
	})
	return group
}

func showUsers(out io.Writer, all *admin.Users) error {
	t := newTable(out, "USER", "LOGIN", "DATABASES", "ON THE NODES", "NODE HINTS", "POOLING")
	for i := range all.Users {
		u := &all.Users[i]
		databases, backend, pooling := "all", "as the node's dsn", "transaction"
		if len(u.Databases) > 0 {
			databases = strings.Join(u.Databases, ",")
		}
		if u.BackendUser != "" {
			backend = u.BackendUser
		}
		if u.SessionPooling {
			pooling = "session"
		}
		t.row(u.Name, u.Login, databases, backend, mark(u.NodeHints, "yes"), pooling)
	}
	return t.flush()
}

// userFlags are those of "users set".
type userFlags struct {
	passwordFile, backendPasswordFile string
	askPassword, noPassword           bool
	databases                         []string
	backendUser                       string
	nodeHints, sessionPooling         bool
}

func newSetUserCommand(f *flags) *cobra.Command {
	u := &userFlags{}
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Add a user, or change what is given",
		Long: `Adds a user, or changes what is given of one. Without any flag it asks for the
password, or reads it from standard input where that is no terminal. The server
stores a SCRAM-SHA-256 verifier; where such a verifier is given in place of a
password, it is taken as it is. Passwords never stand on a command line.`,
		Example: `  shardctl users set app
  shardctl users set app --password-file /run/secrets/app --databases app,reports
  shardctl users set app --node-hints`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeFirst(userNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := u.settings(cmd, args[0])
			if err != nil {
				return err
			}
			return changed(f, cmd, "user "+args[0]+" set", func(ctx context.Context, c *admin.Client) (*admin.Changed, error) {
				return c.SetUser(ctx, args[0], settings)
			})
		},
	}
	p := cmd.Flags()
	p.StringVar(&u.passwordFile, "password-file", "", "file with the password or its verifier in one line; - is standard input")
	p.BoolVar(&u.askPassword, "ask-password", false, "ask for the password")
	p.BoolVar(&u.noPassword, "no-password", false, "the user logs in by certificate only")
	p.StringSliceVar(&u.databases, "databases", nil, `those the user may name, with commas between; "" is all`)
	p.StringVar(&u.backendUser, "backend-user", "", `role on the nodes; "" is that of the node's dsn`)
	p.StringVar(&u.backendPasswordFile, "backend-password-file", "", "file with its password in one line; - is standard input")
	p.BoolVar(&u.nodeHints, "node-hints", false, "the user may name a node in a hint")
	p.BoolVar(&u.sessionPooling, "session-pooling", false, "keep one connection to each node for a whole session")
	cmd.MarkFlagsMutuallyExclusive("password-file", "ask-password", "no-password")
	fileFlags(cmd, "password-file", "backend-password-file")
	f.completeFlag(cmd, "databases", databaseNames)
	return cmd
}

// settings are what the flags give.
func (u *userFlags) settings(cmd *cobra.Command, name string) (admin.UserSettings, error) {
	var s admin.UserSettings
	given := cmd.Flags().Changed
	if u.passwordFile == "-" && u.backendPasswordFile == "-" {
		return s, errors.New("standard input holds one password, not two")
	}
	if given("databases") {
		databases := append([]string{}, u.databases...)
		s.Databases = &databases
	}
	if given("backend-user") {
		s.BackendUser = &u.backendUser
	}
	if given("node-hints") {
		s.NodeHints = &u.nodeHints
	}
	if given("session-pooling") {
		s.SessionPooling = &u.sessionPooling
	}
	if given("backend-password-file") {
		password, err := secretFrom(cmd, u.backendPasswordFile)
		if err != nil {
			return s, err
		}
		s.BackendPassword = &password
	}
	return s, u.password(cmd, name, &s)
}

// password takes over the password, where one is to be set.
func (u *userFlags) password(cmd *cobra.Command, name string, s *admin.UserSettings) error {
	var password admin.Secret
	var err error
	switch onlyName := *s == (admin.UserSettings{}); {
	case u.noPassword:
		s.Secret = &password
		return nil
	case u.passwordFile != "":
		password, err = secretFrom(cmd, u.passwordFile)
	case u.askPassword || onlyName && isTerminal(cmd.InOrStdin()):
		password, err = askTwice(cmd, "Password of "+name+": ")
	case onlyName:
		password, err = secretFrom(cmd, "-")
	default:
		return nil
	}
	if err != nil {
		return err
	}
	if strings.HasPrefix(password.Reveal(), "SCRAM-SHA-256$") {
		s.Secret = &password
	} else {
		s.Password = &password
	}
	return nil
}
