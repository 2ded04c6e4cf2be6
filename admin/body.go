package admin

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// isJSON checks the media type of a request's body.
func isJSON(r *http.Request) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return newProblem(CodeMediaType, "want Content-Type: application/json")
	}
	return nil
}

// readJSON decodes a body strictly: one value, no unknown keys.
func readJSON(r *http.Request, into any) error {
	if err := isJSON(r); err != nil {
		return err
	}
	return decodeJSON(r.Body, into)
}

func decodeJSON(from io.Reader, into any) error {
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one JSON value")
		}
	}
	if err == nil {
		return nil
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge
	}
	detail := strings.TrimPrefix(err.Error(), "json: ")
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		detail = fmt.Sprintf("%s cannot be a %s", cmp.Or(mismatch.Field, "it"), mismatch.Value)
	}
	return newProblem(CodeBadRequest, "the body is not what is expected: "+detail)
}

func writeJSON(w http.ResponseWriter, value any) error {
	body, err := encodeJSON(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	// The caller may be gone by now; there is nobody else to tell.
	_, _ = w.Write(body)
	return nil
}

// encodeJSON encodes a value and ends the line. Text is not escaped for HTML:
// the encoded topology of a backup keeps its bytes.
func encodeJSON(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return text.Bytes(), err
}

func writeText(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text)
	return nil
}
