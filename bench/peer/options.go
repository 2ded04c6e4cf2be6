package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// The targets: ways from pgbench to the server.
const (
	direct     = "direct"
	pgBouncer  = "pgbouncer"
	shardProxy = "shardproxy"
)

// options are the command line.
type options struct {
	targets   []string
	protocols []string
	rounds    int
	duration  time.Duration // of one run of pgbench
	rows      int
	json      string // file for the result; empty: none
	binary    string // shardproxy; empty: built from this module
}

func parseOptions(args []string, usage io.Writer) (options, error) {
	var o options
	var targets, protocols string
	flags := flag.NewFlagSet("peer", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.StringVar(&targets, "targets", "direct,pgbouncer,shardproxy", "what to measure")
	flags.StringVar(&protocols, "protocols", "simple,extended,prepared", "pgbench's query modes")
	flags.IntVar(&o.rounds, "rounds", 3, "how often each combination is measured")
	flags.DurationVar(&o.duration, "duration", time.Second, "length of one measurement, whole seconds")
	flags.IntVar(&o.rows, "rows", 100_000, "rows of the table")
	flags.StringVar(&o.json, "json", "", "write the result to this file, too")
	flags.StringVar(&o.binary, "shardproxy", "", "shardproxy's program; built from this module if empty")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.targets, o.protocols = strings.Split(targets, ","), strings.Split(protocols, ",")
	return o, errors.Join(
		known("targets", o.targets, direct, pgBouncer, shardProxy),
		known("protocols", o.protocols, "simple", "extended", "prepared"),
		o.validate(flags.Args()),
	)
}

func (o options) validate(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case o.rounds < 1:
		return errors.New("-rounds must be at least 1")
	case o.rows < 1:
		return errors.New("-rows must be at least 1")
	case o.duration < time.Second || o.duration%time.Second != 0:
		return errors.New("-duration must be whole seconds: pgbench takes no others")
	}
	return nil
}

// known refuses names that are unknown or given twice.
func known(flag string, names []string, allowed ...string) error {
	for i, name := range names {
		if !slices.Contains(allowed, name) || slices.Contains(names[:i], name) {
			return fmt.Errorf("-%s: %q is unknown or given twice; known are %s", flag, name, strings.Join(allowed, ", "))
		}
	}
	return nil
}
