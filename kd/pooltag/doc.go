// Package pooltag knows what the four letters of a pool tag stand for: a small table
// of its own (tags.txt), and the user's pooltag.txt on top of it.
//
// A table is text: a line a tag, "Tag  - binary - description", where "rem" begins a
// comment. That is the form of the file that comes with Windows' debuggers and driver
// kit, whose text is not in here; what stands here is written from public
// documentation.
//
// How a request passes through: Builtin or Read parses a table, With lays one over
// another, Find answers. A Table is immutable and may be used by any number of
// goroutines. What never lives here: pools, and text about one machine.
package pooltag
