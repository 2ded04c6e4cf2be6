package catalog_test

import "shardproxy/meta/topology"

var zero topology.Rules
