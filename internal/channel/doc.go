// Package channel is the memory that two ends of a connection share, and all that
// they do in it: slots, rings, park and wake. The hot path of a call lives here
// alone.
//
// A channel has two directions. In each, one end is a Caller (it takes slots, posts
// requests, waits for replies, sends datagrams) and the other a Receiver (it takes
// messages off the ring and writes replies into their slots). The package knows
// nothing of ports, handlers or sockets; the doorbell is a function that it is
// given.
//
// A request's way: Caller.Take (a slot), Post (the request is written and
// published; the receiver is woken if it said that it sleeps), Wait (spin, then
// park); at the other end Receiver.Next (copy out, check the copy), Reply (the
// reply is written into the slot, the word swapped, the sleeper woken); back here
// Result and Inline (copy out), Release.
//
// # What is believed
//
// The peer can write anything anywhere at any time. So every word is loaded once,
// with an atomic load or into a private copy, and compared with what this end's
// own memory says it can be. Offsets into the channel are constants plus an index
// that was checked. A word that no peer can have written who follows PROTOCOL.md
// is a Violation, which ends the connection.
//
// # Which order
//
// PROTOCOL.md has a table of all shared words: who writes, who reads, which order.
// Go's atomics are sequentially consistent; where a plain release store is enough,
// and a full fence would stall the hot path, StoreRelease is used. Where a store must
// be seen before the next load is made (who publishes looks who sleeps, who announces
// its sleep looks what was published), storeFence is.
//
// The files: layout.go (every offset), memory_unsafe.go (the only conversions),
// caller.go, wait.go, lead.go, grams.go (the calling end), receiver.go, reply.go,
// spin.go, cpu*.go, leave_linux.go (when to poll, and where), futex_linux.go,
// nudge.go, teardown.go.
//
// Lock order: Caller.mu is a leaf. Nothing here blocks while it holds it.
package channel
