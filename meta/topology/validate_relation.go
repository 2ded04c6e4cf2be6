package topology

import (
	"errors"
	"fmt"
)

func (r *Relation) validate() error {
	switch r.Placement {
	case Sharded:
		return r.validateKey()
	case Refused:
		if r.Reason == "" {
			return errors.New("it is refused without a reason")
		}
	case Reference, Global, System, View:
	default:
		return fmt.Errorf("placement %d is unknown", r.Placement)
	}
	if r.Placement != Refused && r.Was != (Placed{}) {
		return fmt.Errorf("it is %s and was something else", r.Placement)
	}
	if r.Key != (Key{}) {
		return fmt.Errorf("it is %s and has a shard key", r.Placement)
	}
	return nil
}

func (r *Relation) validateKey() error {
	switch {
	case r.Key.Kind == "" || r.Key.Type == 0:
		return errors.New("its shard key has no kind or no type")
	case (r.Key.Column == "") == (r.Key.FromName == ""):
		return errors.New("its shard key is in a column and in its name, or in neither")
	case r.Key.Column != "" && r.Column(r.Key.Column) == nil:
		return fmt.Errorf("it has no column %q, its shard key", r.Key.Column)
	case r.Key.Draw.Kind == DrawSequence && r.Key.Draw.Sequence == "",
		r.Key.Draw.Kind == DrawExpression && r.Key.Draw.Expression == "":
		return fmt.Errorf("its key is drawn from an empty %s", r.Key.Draw.Kind)
	}
	return nil
}
