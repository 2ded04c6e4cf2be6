package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/goccy/go-yaml"

	"shardproxy/admin"
)

// parseDocument reads YAML, of which JSON is a part, strictly. Errors quote no
// values: they may be passwords.
func parseDocument(content []byte) (*admin.Document, error) {
	document := new(admin.Document)
	decoder := yaml.NewDecoder(bytes.NewReader(content), yaml.Strict())
	err := decoder.Decode(document)
	if errors.Is(err, io.EOF) {
		return document, nil // it is empty
	}
	if err != nil {
		// Without the lines around it.
		return nil, errors.New(yaml.FormatError(err, false, false))
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one YAML document in it")
	}
	return document, checkTypes(content)
}

// checkTypes refuses what the YAML reader would turn into text by itself:
// password: 007 is a number, and would become "7".
func checkTypes(content []byte) error {
	var values any
	if err := yaml.Unmarshal(content, &values); err != nil {
		return errors.New(yaml.FormatError(err, false, false))
	}
	encoded, err := json.Marshal(values)
	if err != nil {
		return errors.New("it cannot be written as JSON")
	}
	err = json.Unmarshal(encoded, new(admin.Document))
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s cannot be a %s; text that looks like one needs quotes", mismatch.Field, mismatch.Value)
	}
	return err
}
