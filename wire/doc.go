// Package wire holds what both ends of a connection must agree on to the byte:
// the PORT_MESSAGE header, the message types, the size limits and the status
// numbers that a reply carries.
//
// It is pure data: no memory is mapped here, nothing is sent and nothing waits.
// The layout is NT's 64-bit PORT_MESSAGE with NT's field names, so that its
// documentation also documents ours; PROTOCOL.md gives every offset and a test
// holds the structs against a hand-written table.
package wire
