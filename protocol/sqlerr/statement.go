package sqlerr

// This file: statements the proxy refuses before any node sees them.

// NotSupported (0A000): the statement asks for something the proxy does not do.
// message is a full sentence without its full stop: "... is not supported".
func NotSupported(message string) *Error {
	return newError(FaultClient, "0A000", 1235, message)
}

// UnroutableHint is how a statement can name its shard key.
const UnroutableHint = "Restrict every sharded table by its shard key (column = value), " +
	"or name the key: /* shardproxy: key=project:42 */ or SET shardproxy.key = 'project:42'."

// Unroutable (0A000): it is not known on which node the statement's rows are.
// reason is a full message; the hint is UnroutableHint.
func Unroutable(reason string) *Error {
	return newError(FaultClient, "0A000", 1235, reason).WithHint(UnroutableHint)
}

// CodeSyntaxError is the SQLSTATE of SyntaxError.
const CodeSyntaxError = "42601"

// SyntaxError (42601): the text does not parse. position is the character
// (from 1) where it fails, 0: unknown.
func SyntaxError(message string, position int) *Error {
	return newError(FaultClient, "42601", 1064, message).WithPosition(position)
}

// UndefinedTable (42P01): name is as the statement has it.
func UndefinedTable(name string) *Error {
	return newError(FaultClient, "42P01", 1146, "relation "+quote(name)+" does not exist")
}

// UndefinedColumn (42703).
func UndefinedColumn(table, column string) *Error {
	return newError(FaultClient, "42703", 1054,
		"column "+quote(column)+" of relation "+quote(table)+" does not exist")
}

// AmbiguousColumn (42702): more than one table of the statement has it.
func AmbiguousColumn(column string) *Error {
	return newError(FaultClient, "42702", 1052, "column reference "+quote(column)+" is ambiguous")
}

// UndefinedFunction (42883): name is as the statement has it.
func UndefinedFunction(name string) *Error {
	return newError(FaultClient, "42883", 1305, "function "+quote(name)+" does not exist")
}

// InvalidKey (22P02): a value that is no canonical spelling of the type of the
// shard key, so that its node cannot be known.
func InvalidKey(table, column, typ, value string) *Error {
	return newError(FaultClient, "22P02", 1366,
		"invalid value for shard key "+quote(table+"."+column)+" of type "+typ+": "+quote(value)).
		WithHint("Write the key in the canonical form of its type: 42, not '042' or 42.0; a uuid in its usual form.")
}

// NullKey (23502): a row whose shard key is NULL, of a table whose rule does
// not say where such rows are.
func NullKey(table, column string) *Error {
	return newError(FaultClient, "23502", 1048,
		"null value in shard key "+quote(table+"."+column)).
		WithHint("Give the row a key, or set null_key: replicated in the rule of the table.")
}

// InvalidHint (22023): a hint comment or SET shardproxy.key that cannot be
// understood.
func InvalidHint(hint, reason string) *Error {
	return newError(FaultClient, "22023", 1210, "invalid shardproxy hint "+quote(hint)+": "+reason)
}

// ConflictingHint (22023): a hint that says another place than the keys of the
// statement.
func ConflictingHint(hint, found string) *Error {
	return newError(FaultClient, "22023", 1210,
		"the shardproxy hint "+quote(hint)+" contradicts the statement").
		WithDetail("The statement's own shard key is " + found + ".").
		WithHint("Remove the hint: the key in the statement is enough.")
}

// InsufficientPrivilege (42501): message names the right that is missing.
func InsufficientPrivilege(message string) *Error {
	return newError(FaultClient, "42501", 1227, message)
}

// BadCopyData (22P04): COPY data that is not what the statement announced.
// message names table and row.
func BadCopyData(message string) *Error {
	return newError(FaultClient, "22P04", 1261, message)
}

// UnsupportedEncoding (22023): a client encoding the proxy's lexer cannot read
// safely.
func UnsupportedEncoding(name string) *Error {
	return newError(FaultClient, "22023", 1115, "client encoding "+quote(name)+" is not supported").
		WithDetail("In this encoding a byte of a multi-byte character may look like ASCII punctuation.").
		WithHint("Use UTF8.")
}

// InvalidText (22021): text that is not valid in its encoding where it has to
// be, as in a text shard key.
func InvalidText(what, encoding string) *Error {
	return newError(FaultClient, "22021", 1300, "invalid byte sequence for encoding "+quote(encoding)+" in "+what)
}
