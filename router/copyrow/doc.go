// Package copyrow splits the data of COPY FROM STDIN into rows and reads one
// column of each, the shard key. It follows the section "File Formats" of the
// COPY page in PostgreSQL's manual (text, CSV, binary) and, where the manual is
// silent, what the server does: a row must never be given a key that the server
// would not read from it.
//
// The stream may come in any chunks. At most one row is buffered, and only
// where a chunk ends inside it; a row longer than Options.MaxRow is an error.
// Nothing is lost on the way: the Raw bytes of all rows, in order, are the
// input. In the text format reading allocates nothing per row.
//
//	CopyData -> Feed -> line or tuple reader: where does the row end?
//	                 -> field reader: the key column, decoded -> yield(Row)
//	CopyDone -> Finish -> the last row, if nothing ended it
//
// What the splitter does not do: convert encodings, check the other columns'
// values, or know types. The caller guarantees an encoding in which no byte
// below 0x80 is part of a longer character (UTF-8 and the single-byte ones are,
// SJIS, BIG5, GBK, GB18030, UHC and JOHAB are not).
//
// In a few places it is stricter than the server, and refuses: an end marker
// \. that is not alone on its line, a binary stream that ends inside a row, and
// delimiters and quotes outside ASCII.
package copyrow
