// Command shardctl looks at a running shardproxy and changes it: peers, nodes,
// rules, users, settings, backups; and where would a statement run.
//
// It is a client of the admin API and nothing else; every answer is also there
// as JSON (-o json). Secrets come from files, standard input or a terminal
// without echo.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)) }
