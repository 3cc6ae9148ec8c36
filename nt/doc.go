// Package nt is LPC as NT has it: the calls by their NT names, with their parameters in
// NT's order, their statuses and the order of their checks. It is for those who know NT,
// for ports of NT software, and for other languages (package capi). Go programs that
// have no such need use the root package, which speaks to the same ports.
//
// What lives here: the calls (one file each, or a family of them), the handle table, the
// translation of what the engine says into NTSTATUS. What never may: a queue, a lock
// that a call of another thread waits for, anything of shared memory: that is
// internal/engine, of which this package and the root package are two faces.
//
// A [Thread] stands for an NT thread. A call is a method of the thread that makes it:
// NewThread for a goroutine that carries its own, CurrentThread for an OS thread.
//
// A request's way: NtRequestWaitReplyPort checks (pointers, lengths, handle, in that
// order), then engine.Conn.Request posts it and waits; in the other process
// NtReplyWaitReceivePort takes it from the ring in engine's receive, on the calling
// thread; NtReplyPort finds it again by ClientId and MessageId and answers into its slot.
//
// Differences to NT, each with its reason: handles can be duplicated within the process
// only (STATUS_NOT_SUPPORTED else); a datagram for which the receiver has no room is
// STATUS_INSUFFICIENT_RESOURCES (128 messages, where NT has its pool); memory a client
// lists as data-info is touched by the client's own process.
package nt
