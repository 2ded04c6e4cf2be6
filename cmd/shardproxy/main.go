// Command shardproxy is the proxy itself: it serves PostgreSQL clients and runs
// each statement on the node that holds its rows.
//
// It is where the packages are plugged together. One file, one concern: proxy.go
// is the life of a serving process, config.go to users.go turn the configuration
// into what the packages take, observe.go to explain.go are the adapters between
// them, and demo*.go is "shardproxy demo".
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
