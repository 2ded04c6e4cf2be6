// Command shardctl asks a running shardproxy: is it ready, which nodes does it
// have, where are the rows of each table, and where would a statement run.
//
// It is a client of the admin API and nothing else; every answer is also there
// as JSON (-o json).
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)) }
