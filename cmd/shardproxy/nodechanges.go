package main

import (
	"context"
	"errors"
	"fmt"

	"shardproxy/admin"
	"shardproxy/meta"
	"shardproxy/meta/topology"
	"shardproxy/rebalance"
)

var (
	_ admin.NodeChanges = (*views)(nil)
	_ rebalance.Cluster = (*nodeCluster)(nil)
)

// nodeCluster lets package rebalance change the topology.
type nodeCluster struct{ *changer }

// Change implements rebalance.Cluster. Transactions that do not end while the
// proof is made are given up on, not ended.
func (c nodeCluster) Change(
	ctx context.Context, command topology.Command, prove func(context.Context, *topology.Topology) error,
) (topology.Epoch, error) {
	return c.store.Change(ctx, command, meta.ChangeOptions{
		Database: topology.DatabaseOf(command), Prove: prove, Fencer: c.fencer,
	})
}

// SetNode implements admin.NodeChanges.
func (v *views) SetNode(ctx context.Context, change topology.SetNode) (topology.Epoch, error) {
	e, err := v.changing()
	if err != nil {
		return 0, err
	}
	result, err := e.nodes.SetNode(ctx, rebalance.SetNode{
		Database: change.Database, Node: change.Node, DSN: change.DSN, AdminDSN: change.AdminDSN, Weight: change.Weight,
	})
	if err != nil {
		return 0, nodeProblem(err)
	}
	return result.Epoch, nil
}

// AddNode implements admin.NodeChanges.
func (v *views) AddNode(ctx context.Context, database string, node topology.Node, dryRun bool) (admin.NodePlan, error) {
	e, err := v.changing()
	if err != nil {
		return admin.NodePlan{}, err
	}
	decided := e.store.Current().Epoch
	result, err := e.nodes.AddNode(ctx, rebalance.AddNode{
		Database: database, Node: node.ID, DSN: node.DSN, AdminDSN: node.AdminDSN, Weight: node.Weight, DryRun: dryRun,
	})
	return nodePlan(result, decided, dryRun), nodeProblem(err)
}

// RemoveNode implements admin.NodeChanges.
func (v *views) RemoveNode(ctx context.Context, database string, node topology.NodeID, how admin.NodeRemoval) (admin.NodePlan, error) {
	e, err := v.changing()
	if err != nil {
		return admin.NodePlan{}, err
	}
	decided := e.store.Current().Epoch
	result, err := e.nodes.RemoveNode(ctx, rebalance.RemoveNode{Database: database, Node: node, Force: how.Force, DryRun: how.DryRun})
	return nodePlan(result, decided, how.DryRun), nodeProblem(err)
}

// nodePlan is a result in the admin API's words.
func nodePlan(r *rebalance.Result, decided topology.Epoch, dryRun bool) admin.NodePlan {
	if r == nil {
		return admin.NodePlan{}
	}
	plan := admin.NodePlan{Database: r.Plan.Database, Node: string(r.Plan.Node), DryRun: dryRun, Epoch: uint64(decided), Notes: r.Plan.Notes}
	if !dryRun {
		plan.Epoch = uint64(r.Epoch)
	}
	for _, m := range r.Plan.Moves {
		transfer := admin.Transfer{From: string(m.Source), To: string(m.Target), Partitions: m.Partitions}
		for _, t := range m.Tables {
			transfer.Tables = append(transfer.Tables, admin.TableEstimate{Table: t.Name, Rows: t.Rows, Bytes: t.Bytes})
		}
		plan.Transfers = append(plan.Transfers, transfer)
	}
	switch {
	case len(r.Plan.Problems) > 0:
		plan.Refused, plan.Problems = "the node is not fit", r.Plan.Problems
		plan.Hint = "Cure all of these and try again."
	case dryRun && r.Plan.TotalRows > 0:
		plan.Refused = fmt.Sprintf("about %d rows would have to move, and moving rows is not possible yet", r.Plan.TotalRows)
		plan.Hint = "Nodes can be added and removed while the database has no rows."
	}
	return plan
}

// nodeProblem is an error of package rebalance in the admin API's words.
func nodeProblem(err error) error {
	e, ok := errors.AsType[*rebalance.Error](err)
	if !ok {
		return adminError(err)
	}
	var conflict *topology.Conflict
	if errors.As(err, &conflict) {
		return conflict
	}
	text := e.Message
	for _, p := range e.Problems {
		text += "\n  - " + p
	}
	switch e.Code {
	case rebalance.CodeInvalid:
		return admin.NewProblem(admin.CodeInvalid, text, e.Hint)
	case rebalance.CodeUnknownDatabase:
		return admin.NewProblem(admin.CodeUnknownDatabase, text, e.Hint)
	case rebalance.CodeUnknownNode:
		return admin.NewProblem(admin.CodeUnknownName, text, e.Hint)
	case rebalance.CodeNode, rebalance.CodeUnreachable:
		return admin.NewProblem(admin.CodeNodeFailed, text, e.Hint)
	case rebalance.CodeCluster:
		for _, known := range []error{admin.ErrNoLeader, admin.ErrOutcomeUnknown, admin.ErrUnsettled} {
			if cause := adminError(e.Unwrap()); errors.Is(cause, known) {
				return cause
			}
		}
	}
	return admin.NewProblem(admin.CodeRefused, text, e.Hint)
}
