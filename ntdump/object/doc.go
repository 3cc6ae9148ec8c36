// Package object reads the object manager of a Windows dump: an object's header and
// what stands before it, the directories of the namespace, the lists of a type's
// objects, the handle tables of processes and of process and thread ids.
//
// It knows structures by name and members by path; where they stand, the dump's types
// say (package isf). Windows up to Server 2003 names an object's type by a pointer,
// Windows 7 and later by an index into a table that symbols tell; both are read. Rules
// that no description has are those of the debugger reference, 5.3.
//
// A request passes through: New looks the members up once; At reads one object;
// Entries, Types, List and Handles walk. Every walk is bounded and remembers where it
// was, so that a cycle ends it with a sentence. Nothing is cached but names of types
// and paths of directories, which a dump does not change. A Reader is for one goroutine.
//
// What never lives here: ports and messages, which are LPC's (kd/records reads them),
// pools (ntdump/ntpool walks them), and output.
package object
