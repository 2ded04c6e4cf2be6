package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

// maxBackup bounds the file of restore; the API takes no more.
const maxBackup = 64 << 20

// backedUp is what -o json says of a backup.
type backedUp struct {
	File            string `json:"file"`
	Epoch           uint64 `json:"epoch"`
	Bytes           int    `json:"bytes"`
	ContainsSecrets bool   `json:"contains_secrets"`
}

func newBackupCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Write the metadata to a file, with all passwords in it; - is standard output",
		Long: `backup writes what the peers agree on: databases, nodes, rules, owners, users and
flags. It holds the passwords of the nodes and the verifiers of the users: the file
can be read by its owner only. Rows are not part of it.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			content, err := withClient(f, cmd, func(ctx context.Context, c *admin.Client) ([]byte, error) { return c.Backup(ctx) })
			if err != nil {
				return err
			}
			if args[0] == "-" {
				_, err := cmd.OutOrStdout().Write(content)
				return failed(err)
			}
			backup, err := parseBackup(content)
			if err == nil {
				err = writePrivate(args[0], content)
			}
			if err != nil {
				return failed(err)
			}
			said := backedUp{File: args[0], Epoch: backup.Epoch, Bytes: len(content), ContainsSecrets: true}
			return failed(f.print(cmd, said, func(out io.Writer) error {
				_, err := fmt.Fprintf(out, "%s: epoch %d, %s. It holds passwords: keep it secret.\n", said.File, said.Epoch, size(int64(said.Bytes)))
				return err
			}))
		},
	}
}

// parseBackup reads a backup as far as shardctl has to know it.
func parseBackup(content []byte) (*admin.Backup, error) {
	backup := new(admin.Backup)
	if err := json.Unmarshal(content, backup); err != nil || backup.Kind == "" || len(backup.Topology) == 0 {
		return nil, errors.New("not a backup of shardproxy, or not all of one")
	}
	return backup, nil
}

// writePrivate writes a file that only its owner can read, whole or not at all.
func writePrivate(path string, content []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	_, err = file.Write(content)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

func newRestoreCommand(f *flags) *cobra.Command {
	var yes, dryRun bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Replace the metadata by that of a backup; shows the difference first",
		Long: `restore replaces databases, nodes, rules, owners, users and flags. The peers stay.
Every database must be paused before, and is afterwards: look whether the rows are
where the backup has them, and then unpause.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			content, err := readFile(args[0], maxBackup)
			if err != nil {
				return failed(err)
			}
			backup, err := parseBackup(content)
			if err != nil {
				return failed(fmt.Errorf("%s: %w", args[0], err))
			}
			request := admin.RestoreRequest{Backup: *backup}
			return f.compareAndMake(cmd, yes, dryRun, "Replace the metadata of the cluster?", func(ctx context.Context, c *admin.Client, epoch uint64) (*admin.Differences, error) {
				request.DryRun, request.Epoch = epoch == 0, epoch
				return c.Restore(ctx, request)
			})
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show the difference, and change nothing")
	return cmd
}

func readFile(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(content)) > most {
		err = fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return content, err
}
