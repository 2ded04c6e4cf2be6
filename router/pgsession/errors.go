package pgsession

import "shardproxy/protocol/sqlerr"

// portalDone (55000): the statement of the portal has run.
func portalDone(name string) *sqlerr.Error {
	err := *sqlerr.UndefinedPortal(name)
	err.SQLState, err.Message = "55000", "portal \""+name+"\" cannot be run"
	return &err
}
