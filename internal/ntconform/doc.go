// Package ntconform holds package nt, and whatever else offers the same calls,
// against the rules of LPC: a table of scenes, and drivers that play them.
//
// A [Scene] is data: steps that name a thread, a call, its parameters, whether the
// call must be seen to wait, and what must come out: the status, fields of messages,
// lengths, contexts, bytes that must not have been touched. Its name begins with the
// row of the LPC reference (shared/spec/lpc.md) that it shows: "b.5.4 second accept
// of the same request".
//
// [Run] plays a scene through a [Driver]. All that a scene knows (handles, messages,
// numbers that came out earlier) stays with Run; a driver is given one [Request] at a
// time, a flat list of names and texts, and answers with a [Result]. So a driver can
// be anything that makes calls: goroutines of this process ([InProcess]), other
// processes that speak JSON over a pipe ([Processes]), a C program over liblpc.so
// (testdata/driver.c, which speaks the same JSON).
//
// That a call waits is read from the thread's record in its process's pool, as a
// debugger reads it ([Observer]), never guessed from time passing.
//
// The suite is written from the rules. It knows nothing of how the calls are carried
// out, and imports of nt only its types and calls. Nothing imports it but tests.
package ntconform
