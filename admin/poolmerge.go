package admin

import (
	"fmt"
	"strconv"
	"time"

	"shardproxy/meta/topology"
)

// The ranges are those of the configuration file.
const (
	maxPool      = 100_000
	maxQueue     = 1_000_000
	maxQueueWait = 24 * time.Hour
	maxPoolLife  = 8760 * time.Hour
)

// mergePool are the limits that a document makes of those there are, and what
// differs.
func mergePool(db *topology.Database, doc *PoolDocument) (topology.Pool, []Difference, error) {
	what, before, after := "database "+db.Name+": pool.", db.Pool, db.Pool
	replace(&after.Min, doc.Min)
	replace(&after.Max, doc.Max)
	replace(&after.MaxQueue, doc.MaxQueue)
	replace(&after.Session, doc.Session)
	invalid := func(key, possible string) (topology.Pool, []Difference, error) {
		return before, nil, newProblem(CodeInvalid, what+key+": "+possible)
	}
	if after.Min < 0 || after.Max > maxPool || doc.Max != nil && after.Max < 1 || after.Max != 0 && after.Min > after.Max {
		return invalid("min and max", fmt.Sprintf("0 to %d, max at least 1, and min at most max", maxPool))
	}
	if after.MaxQueue < 0 || after.MaxQueue > maxQueue {
		return invalid("max_queue", fmt.Sprintf("0 (no limit) to %d", maxQueue))
	}
	if p := doc.QueueTimeout; p != nil {
		wait := time.Duration(*p)
		if wait < time.Millisecond || wait > maxQueueWait {
			return invalid("queue_timeout", "1ms to 24h")
		}
		after.QueueTimeoutMS = wait.Milliseconds()
	}
	for _, limit := range []struct {
		key string
		to  *int64
		by  *Duration
	}{{"lifetime", &after.LifetimeMS, doc.Lifetime}, {"idle_timeout", &after.IdleTimeoutMS, doc.IdleTimeout}} {
		if limit.by == nil {
			continue
		}
		if d := time.Duration(*limit.by); d < 0 || d > maxPoolLife {
			return invalid(limit.key, "0s (never) to 8760h")
		}
		*limit.to = orNever(time.Duration(*limit.by))
	}
	return after, diffPools(what, &before, &after), nil
}

// orNever: 0 is never in a document and the default in a topology, where never
// is negative.
func orNever(d time.Duration) int64 {
	if d == 0 {
		return -1
	}
	return max(1, d.Milliseconds())
}

func diffPools(what string, before, after *topology.Pool) []Difference {
	var d differ
	d.changed(what+"min", strconv.Itoa(before.Min), strconv.Itoa(after.Min))
	d.changed(what+"max", count(before.Max), count(after.Max))
	d.changed(what+"queue_timeout", millis(before.QueueTimeoutMS), millis(after.QueueTimeoutMS))
	d.changed(what+"max_queue", strconv.Itoa(before.MaxQueue), strconv.Itoa(after.MaxQueue))
	d.changed(what+"lifetime", millis(before.LifetimeMS), millis(after.LifetimeMS))
	d.changed(what+"idle_timeout", millis(before.IdleTimeoutMS), millis(after.IdleTimeoutMS))
	d.changed(what+"session", strconv.FormatBool(before.Session), strconv.FormatBool(after.Session))
	return d.found
}

// count is a limit of a topology for people.
func count(n int) string {
	if n == 0 {
		return "default"
	}
	return strconv.Itoa(n)
}

// millis is a limit of a topology for people.
func millis(ms int64) string {
	switch {
	case ms == 0:
		return "default"
	case ms < 0:
		return "never"
	}
	return (time.Duration(ms) * time.Millisecond).String()
}
