//go:build cgo && linux

// Package main is liblpc.so: package nt's calls for C, under NT's names and with NT's
// types, which lpc.h declares. `make capi` builds it with -buildmode=c-shared.
//
// What lives here: the translation of C's arguments into package nt's and back, and
// what C programs can do that Go programs cannot: pass bad pointers, end a thread,
// fork, replace the handler of SIGSEGV. What never may: a rule of a call. Where the
// order of checks depends on a pointer (lpc reference b.0: pointers first), the order
// is kept here; all other checks are package nt's.
//
// A call's way: the C function in calls.c finds the calling thread (shim.h) and crosses
// into Go, to the function of the same name with "lpcgo" for "Nt". That one copies what
// the pointers name into the thread's own memory (memory_unsafe.go), calls package nt,
// and copies the results out. Nothing of Go's is ever seen by C, and package nt never
// touches memory of C's; the exceptions are the views of ports and the ranges that a
// client lists as data-info, which the engine copies under a guard of its own.
//
// Each call crosses once, for a crossing costs more than the rest of a call's way in
// (examples/c/bench.c): the thread's number stands in a thread-local variable of C, its
// Thread and message buffers in a Go slice.
package main
