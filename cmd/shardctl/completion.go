package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

// completionTime is how long a shell waits for names.
const completionTime = 2 * time.Second

// names asks the API for names; database is that of the command line.
type names func(ctx context.Context, c *admin.Client, database string) ([]string, error)

// completeFirst completes the first argument.
func (f *flags) completeFirst(ask names) cobra.CompletionFunc {
	complete := f.complete(ask)
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, typed)
	}
}

// completeFlag completes the value of a flag.
func (f *flags) completeFlag(cmd *cobra.Command, flag string, ask names) {
	// It fails when there is no such flag only, which a test would show.
	_ = cmd.RegisterFlagCompletionFunc(flag, f.complete(ask))
}

// fileFlags are flags whose values are files.
func fileFlags(cmd *cobra.Command, flags ...string) {
	for _, flag := range flags {
		_ = cmd.RegisterFlagCompletionFunc(flag, completeFile)
	}
}

// completeFile has the shell complete the name of a file.
func completeFile(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// complete gives the names that the API knows. A shell that waits for a
// completion is told of no errors.
func (f *flags) complete(ask names) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		const done = cobra.ShellCompDirectiveNoFileComp
		client, err := f.client()
		if err != nil {
			return nil, done
		}
		defer client.Close()
		ctx, cancel := context.WithTimeout(context.Background(), completionTime)
		defer cancel()
		database := ""
		if flag := cmd.Flags().Lookup("database"); flag != nil {
			database = flag.Value.String()
		}
		found, err := ask(ctx, client, database)
		if err != nil {
			return nil, done
		}
		return found, done
	}
}

func nodeNames(ctx context.Context, c *admin.Client, database string) ([]string, error) {
	nodes, err := c.Nodes(ctx, database)
	return namesOf(nodes, err, func(n *admin.Nodes) []admin.Node { return n.Nodes }, func(n *admin.Node) string { return n.Name })
}

func userNames(ctx context.Context, c *admin.Client, _ string) ([]string, error) {
	users, err := c.Users(ctx)
	return namesOf(users, err, func(u *admin.Users) []admin.User { return u.Users }, func(u *admin.User) string { return u.Name })
}

func flagNames(ctx context.Context, c *admin.Client, _ string) ([]string, error) {
	flags, err := c.Flags(ctx)
	return namesOf(flags, err, func(f *admin.Flags) []admin.Flag { return f.Flags },
		func(f *admin.Flag) string { return f.Name + "\t" + f.Help })
}

func peerNames(ctx context.Context, c *admin.Client, _ string) ([]string, error) {
	peers, err := c.Peers(ctx)
	return namesOf(peers, err, func(p *admin.Peers) []admin.Peer { return p.Peers }, func(p *admin.Peer) string { return p.ID })
}

func databaseNames(ctx context.Context, c *admin.Client, _ string) ([]string, error) {
	status, err := c.Status(ctx)
	return namesOf(status, err, func(s *admin.Status) []admin.DatabaseStatus { return s.Databases },
		func(d *admin.DatabaseStatus) string { return d.Name })
}

func namesOf[A, T any](answer *A, err error, list func(*A) []T, name func(*T) string) ([]string, error) {
	if err != nil {
		return nil, err
	}
	var found []string
	for _, item := range list(answer) {
		found = append(found, name(&item))
	}
	return found, nil
}
