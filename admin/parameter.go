package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// parameters are the query parameters of a request, each of them one of known.
func parameters(r *http.Request, known ...string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, newProblem(CodeBadRequest, "the query string is malformed")
	}
	for name, given := range values {
		if !slices.Contains(known, name) || len(given) != 1 {
			return nil, newProblem(CodeBadRequest, fmt.Sprintf("unknown or repeated parameter %q; there is %s", name, strings.Join(known, ", ")))
		}
	}
	return values, nil
}

// boolParameter reads the only parameter of a request; absent is false.
func boolParameter(r *http.Request, name string) (bool, error) {
	values, err := parameters(r, name)
	if err != nil {
		return false, err
	}
	return parseBool(values, name)
}

func parseBool(values url.Values, name string) (bool, error) {
	switch value := values.Get(name); value {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, newProblem(CodeBadRequest, name+": true or false")
}

// unknownName says that there is no such thing, and which there are.
func unknownName[S ~string](what, name string, there []S) error {
	problem := newProblem(CodeUnknownName, fmt.Sprintf("there is no %s %q", what, name))
	if len(there) > 0 && len(there) <= 20 {
		names := make([]string, len(there))
		for i, name := range there {
			names[i] = string(name)
		}
		problem.Hint = "There are: " + strings.Join(names, ", ")
	}
	return problem
}
