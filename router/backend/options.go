package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"shardproxy/meta/topology"
)

// PoolOptions configure a Pool.
type PoolOptions struct {
	// Node is the node that Dial connects to, for errors and logs.
	Node topology.NodeID
	// Dial makes one connection. It is called by several goroutines at once and
	// must return when ctx is done. Required.
	Dial func(ctx context.Context) (*Conn, error)
	// Generation is passed on to the connections.
	Generation uint64

	// Min connections are kept open by Maintain. Default 0.
	Min int
	// Max connections exist at most, those being dialled included. Default 20,
	// or Min if that is more.
	Max int
	// QueueTimeout is how long Acquire waits at most. Default 10s.
	QueueTimeout time.Duration
	// MaxQueue is how many clients wait at most; one more gets an error at once.
	// 0: no limit.
	MaxQueue int
	// Lifetime is the age at which a connection is replaced, less a random part
	// of up to a fifth, so that connections made together do not end together.
	// Default 1h, negative: no limit.
	Lifetime time.Duration
	// IdleTimeout is how long a connection above Min stays idle. Default 10m,
	// negative: no limit.
	IdleTimeout time.Duration
	// DialTimeout bounds one call of Dial, in real time. Default 5s.
	DialTimeout time.Duration

	Clock   Clock        // default: the time of day
	Logger  *slog.Logger // default: none
	Metrics Metrics      // default: none
}

// Defaults of PoolOptions.
const (
	DefaultMax          = 20
	DefaultQueueTimeout = 10 * time.Second
	DefaultLifetime     = time.Hour
	DefaultIdleTimeout  = 10 * time.Minute
	DefaultDialTimeout  = 5 * time.Second
)

// Limits are the settings of a pool that may change while it is in use. They
// mean what they mean in PoolOptions, defaults included.
type Limits struct {
	Min, Max     int
	QueueTimeout time.Duration
	MaxQueue     int
	Lifetime     time.Duration
	IdleTimeout  time.Duration
}

// limitsOf returns the limits that a database's settings ask for.
func limitsOf(s topology.Pool) Limits {
	ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	return Limits{
		Min:          s.Min,
		Max:          s.Max,
		QueueTimeout: ms(s.QueueTimeoutMS),
		MaxQueue:     s.MaxQueue,
		Lifetime:     ms(s.LifetimeMS),
		IdleTimeout:  ms(s.IdleTimeoutMS),
	}
}

// complete checks l and fills in the defaults.
func (l Limits) complete() (Limits, error) {
	l.Max = cmp.Or(l.Max, max(DefaultMax, l.Min))
	l.QueueTimeout = cmp.Or(l.QueueTimeout, DefaultQueueTimeout)
	l.Lifetime = cmp.Or(l.Lifetime, DefaultLifetime)
	l.IdleTimeout = cmp.Or(l.IdleTimeout, DefaultIdleTimeout)
	var errs []error
	if l.Min < 0 {
		errs = append(errs, fmt.Errorf("min is %d, must not be negative", l.Min))
	}
	if l.Max < 1 {
		errs = append(errs, fmt.Errorf("max is %d, must be at least 1", l.Max))
	}
	if l.Min > l.Max {
		errs = append(errs, fmt.Errorf("min is %d, must not be above max, %d", l.Min, l.Max))
	}
	if l.QueueTimeout < 0 {
		errs = append(errs, fmt.Errorf("queue timeout is %s, must be positive", l.QueueTimeout))
	}
	if l.MaxQueue < 0 {
		errs = append(errs, fmt.Errorf("max queue is %d, must not be negative", l.MaxQueue))
	}
	return l, errors.Join(errs...)
}

// complete checks o and fills in the defaults.
func (o PoolOptions) complete() (PoolOptions, Limits, error) {
	limits, err := Limits{o.Min, o.Max, o.QueueTimeout, o.MaxQueue, o.Lifetime, o.IdleTimeout}.complete()
	var errs []error
	if err != nil {
		errs = append(errs, err)
	}
	if o.Dial == nil {
		errs = append(errs, errors.New("no dial function"))
	}
	o.DialTimeout = cmp.Or(o.DialTimeout, DefaultDialTimeout)
	if o.DialTimeout < 0 {
		errs = append(errs, fmt.Errorf("dial timeout is %s, must be positive", o.DialTimeout))
	}
	if o.Clock == nil {
		o.Clock = wallClock{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
	if err := errors.Join(errs...); err != nil {
		return o, limits, fmt.Errorf("backend: pool of node %q: %w", o.Node, err)
	}
	return o, limits, nil
}
