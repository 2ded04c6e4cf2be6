package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"shardproxy/meta/topology"
)

// ErrExhausted: a sequence has no number left that it may give out.
var ErrExhausted = errors.New("no number is left above the largest id and counter of all nodes")

// Counter is a sequence of a node, as router/catalog read it.
type Counter struct {
	Name topology.TableName
	// Start, Increment, Min and Max are the sequence's; the columns it feeds
	// hold no number above Limit.
	Start, Increment, Min, Max, Limit int64
	// Last is the last number given out, or the next one while Called is false.
	Last   int64
	Called bool
}

// Used returns the largest number that an ascending sequence has given out, one
// less than its next where it has not begun.
func (c Counter) Used() int64 {
	if c.Called || c.Last == math.MinInt64 {
		return c.Last
	}
	return c.Last - 1
}

// IntoClass returns the statement by which the sequence counts in the class of
// slot, above a number; "" where it does.
func (c Counter) IntoClass(slot topology.Slot, stride, above int64) (string, error) {
	inClass := c.Increment == stride && topology.InClass(c.Last, slot, stride) && topology.InClass(c.Start, slot, stride)
	if inClass && c.Used() >= above {
		return "", nil
	}
	start, ok := topology.FirstInClass(max(c.Start, c.Min), slot, stride)
	if !ok || start > min(c.Max, c.Limit) || above == math.MaxInt64 {
		return "", ErrExhausted
	}
	next, ok := topology.FirstInClass(max(above+1, c.Min), slot, stride)
	if !ok || next > min(c.Max, c.Limit) {
		return "", ErrExhausted
	}
	return fmt.Sprintf("ALTER SEQUENCE %s INCREMENT BY %d START WITH %d RESTART WITH %d", sqlName(c.Name), stride, start, next), nil
}

// Ahead returns the statement by which the sequence goes on above a number; ""
// where it does.
func (c Counter) Ahead(above int64) (string, error) {
	if c.Used() >= above || c.Increment < 0 {
		return "", nil
	}
	if above >= min(c.Max, c.Limit) {
		return "", ErrExhausted
	}
	return fmt.Sprintf("ALTER SEQUENCE %s RESTART WITH %d", sqlName(c.Name), max(above+1, c.Min)), nil
}

// LargestID returns the largest number in a column of integers, the smallest
// int64 where there is none.
func LargestID(ctx context.Context, q Querier, table topology.TableName, column string) (int64, error) {
	var id *int64
	sql := fmt.Sprintf("SELECT max(%s)::bigint FROM %s", pgx.Identifier{column}.Sanitize(), sqlName(table))
	if err := q.QueryRow(ctx, sql).Scan(&id); err != nil || id == nil {
		return math.MinInt64, err
	}
	return *id, nil
}
