package topology

import "fmt"

// Apply returns what an entry makes of t: a value of the next epoch that has
// passed Validate, and shares with t all that the command did not touch. Where
// the command changes nothing it returns t itself.
//
// A refused entry returns t itself and an error, which is a *Conflict or wraps
// one of the package's Err values. Apply depends on nothing but its arguments,
// and panics on no entry.
func Apply(t *Topology, entry []byte) (*Topology, error) {
	c, on, err := DecodeCommand(entry)
	if err != nil {
		return t, err
	}
	if on != 0 && on != t.Epoch {
		return t, &Conflict{Decided: on, Current: t.Epoch, What: c.String()}
	}
	next, err := c.apply(t)
	if err != nil {
		return t, fmt.Errorf("%s: %w", c, err)
	}
	if next == t {
		return t, nil
	}
	next.Epoch++
	if err := next.validateAfter(t); err != nil {
		return t, fmt.Errorf("%s: %w: %w", c, ErrInvalid, err)
	}
	return next, nil
}
