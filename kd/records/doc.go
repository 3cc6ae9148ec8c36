// Package records reads what a target says of LPC: its ports, messages and threads,
// by NT's names for structures and fields, wherever they stand.
//
// A Reader reads one record by its type's name; a World is one look at all of them,
// joined: which two ends are one connection, which connection belongs to which
// port. World.State is what package waitgraph asks for.
//
// Where our processes and NT differ, the description tells: a field that it has is
// read, one that it has not is absent, and nothing is put in its place. The two
// ways in which a message is tied to who waits for it (channel, slot and generation
// with us; id and thread in NT) are the only place where that decides more.
//
// Output never stands here. A Reader and a World are for one goroutine.
package records
