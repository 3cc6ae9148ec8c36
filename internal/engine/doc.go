// Package engine is the system itself: ports as objects, their queues and reply
// chains, connections and their states, quotas and teardown. The root package lpc
// and package nt are two faces of it.
//
// What lives here: Port (a connection port), Conn (either end of a connection: the
// client or the server communication port), Message (one received message), and
// the dispatcher that receives for a port and runs handlers. What never may: the
// layout of shared memory (internal/channel), sockets (internal/link), names
// (namespace), and anything that prints.
//
// A request's way: Conn.Call takes a slot, writes the thread record that a
// debugger reads, posts; in the other process dispatcher.receive takes the message
// off the ring into a Message (its record is the LpcM block of that process's
// pool), stamps the caller's identity, queues it or runs the handler at once;
// Message.Reply writes the reply into the same slot; the caller's Wait returns.
//
// # Locks
//
// dispatcher.mu is the port's lock: it guards the message queue, the reply chains
// of all connections of the port, the counters in their port objects, and who
// holds the receiver's role. Conn.mu guards a connection's state. Order: Port.mu,
// Conn.mu, dispatcher.mu, sections.mu, then the leaves in pool, channel and link.
// No lock is held while a handler runs or a socket is written to, but for frames,
// which do not block.
//
// # The receiver's role
//
// One goroutine at a time holds a dispatcher's receiver role: it alone takes
// messages off rings. It runs a handler itself only when one connection is hot,
// nothing else is queued and no other call of the port is in progress; else it
// queues the message and readies a worker. While it runs a handler it can be
// replaced: whoever rings the doorbell then (a sender that waited 20 µs, a new
// connection) makes the poller give the role to another goroutine. The one in the
// handler notices when it returns, by losing a compare-and-swap, and ends as a
// worker.
package engine
