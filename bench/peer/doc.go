// Command peer measures shardproxy beside PgBouncer on this machine: the CPU
// time of the proxy process for each statement, throughput and latency of a
// point select, in the three ways a client can send one.
//
//	             +--------------------> PostgreSQL   (direct)
//	pgbench -----+-----> PgBouncer ---> PostgreSQL   (pgbouncer)
//	             +-----> shardproxy --> PostgreSQL   (shardproxy, one node)
//
// Everything runs on one machine, on one PostgreSQL server. Machines are noisy
// and differ, so the targets take turns within each round, and the result is
// the ratio of the medians within one run, not a number by itself.
//
// It starts what it needs in temporary directories and on free ports of
// 127.0.0.1, and all of it ends with the command. Linux only.
package main
