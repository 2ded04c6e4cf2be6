package pgstartup

import (
	"strings"

	"shardproxy/protocol/sqlerr"
)

// parseOptions reads the startup parameter "options": command line arguments
// of a server process, of which settings are served: -c name=value,
// -cname=value and --name=value. Errors are *sqlerr.Error.
func parseOptions(options string) ([]Setting, error) {
	args := splitOptions(options)
	var settings []Setting
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		var flag, setting string
		switch {
		case arg == "--" && len(args) == 0:
			continue
		case arg == "-c" && len(args) > 0:
			flag, setting, args = "-c ", args[0], args[1:]
		case len(arg) > 2 && strings.HasPrefix(arg, "-c"):
			flag, setting = "-c ", arg[2:]
		case len(arg) > 2 && strings.HasPrefix(arg, "--"):
			flag, setting = "--", arg[2:]
		default:
			return nil, sqlerr.SyntaxError("invalid command-line argument for server process: "+arg, 0).
				WithHint("Only settings may be given: -c name=value or --name=value.").Fatal()
		}
		name, value, ok := strings.Cut(setting, "=")
		if !ok || name == "" {
			return nil, sqlerr.SyntaxError(flag+setting+" requires a value", 0).
				WithHint("Write -c name=value or --name=value.").Fatal()
		}
		settings = append(settings, Setting{strings.ReplaceAll(name, "-", "_"), value})
	}
	return settings, nil
}

// splitOptions cuts at white space. A backslash makes the next character an
// ordinary one (manual, section "Message Formats", StartupMessage).
func splitOptions(options string) []string {
	var args []string
	var arg []byte
	inside, escaped := false, false
	for i := range len(options) {
		c := options[i]
		switch {
		case escaped:
			arg, escaped = append(arg, c), false
		case isSpace(c):
			if inside {
				args = append(args, string(arg))
				arg, inside = arg[:0], false
			}
			continue
		case c == '\\':
			escaped = true
		default:
			arg = append(arg, c)
		}
		inside = true
	}
	if inside {
		args = append(args, string(arg))
	}
	return args
}

// isSpace is C's isspace in the C locale.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
