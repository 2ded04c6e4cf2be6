package topology

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// Validate checks the rules by themselves and returns all that is wrong with
// them, joined.
func (r Rules) Validate() error {
	errs := []error{r.validatePattern(), validateNullKey("null_key", r.NullKey), r.validateStride()}
	for i, kind := range r.KeyOrder {
		if kind == "" || slices.Contains(r.KeyOrder[:i], kind) {
			errs = append(errs, fmt.Errorf("key_order: %q is empty or repeated", kind))
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(r.KeyColumns)) {
		if kind == "" || len(r.KeyColumns[kind]) == 0 {
			errs = append(errs, fmt.Errorf("key_columns: kind %q is empty or has no columns", kind))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Tables)) {
		errs = append(errs, r.validateTable(name))
	}
	for _, name := range r.Reference {
		if slices.Contains(r.Global, name) {
			errs = append(errs, fmt.Errorf("%q is listed under both reference and global", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Functions)) {
		if v := r.Functions[name]; v != pureFunction {
			errs = append(errs, fmt.Errorf("functions: %s: %q is not a declaration; the only one is %q", name, v, pureFunction))
		}
	}
	return errors.Join(errs...)
}

const (
	pureFunction  = "pure"
	localTriggers = "local"
)

func (r Rules) validatePattern() error {
	if r.TablePattern == "" {
		if r.PatternKind != "" {
			return errors.New("pattern_kind is set without table_pattern")
		}
		return nil
	}
	re, err := regexp.Compile(r.TablePattern)
	if err != nil {
		return fmt.Errorf("table_pattern: %w", err)
	}
	if n := re.NumSubexp(); n != 1 {
		return fmt.Errorf("table_pattern %q has %d captures; it needs exactly one, around the key", r.TablePattern, n)
	}
	return nil
}

func (r Rules) validateTable(name string) error {
	rule := r.Tables[name]
	keyed := rule.Key != "" || rule.Column != ""
	switch {
	case name == "":
		return errors.New("tables: a rule has no table name")
	case keyed && (slices.Contains(r.Reference, name) || slices.Contains(r.Global, name)):
		return fmt.Errorf("tables: %s has a key and is listed under reference or global too", name)
	case rule.Triggers != "" && rule.Triggers != localTriggers:
		return fmt.Errorf("tables: %s: triggers: %q is unknown; the only value is %q", name, rule.Triggers, localTriggers)
	}
	return validateNullKey("tables: "+name+": null_key", rule.NullKey)
}

func validateNullKey(what, value string) error {
	if value != "" && value != nullReplicated {
		return fmt.Errorf("%s: %q is unknown; the only value is %q", what, value, nullReplicated)
	}
	return nil
}

func (r Rules) validateStride() error {
	if n := r.Stride; n != 0 && (n < 2 || n > maxStride || n&(n-1) != 0) {
		return fmt.Errorf("stride: %d is not a power of two from 2 to %d", n, maxStride)
	}
	return nil
}
