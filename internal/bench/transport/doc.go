// Package transport puts what the benchmark compares behind one small
// interface: lpc, a raw Unix stream socket, net/rpc, and the spin floor.
//
// A [System] has a side that serves and a side that dials; both do the same
// work for every system, told by the first byte of a request (an [Op]): echo, at once or
// late, answer 8 bytes, sum every byte first, count datagrams. A system is as a
// careful user of it would write it, no more: the raw socket has a length
// before each message and one read buffer, net/rpc its default codec.
//
// Nothing here measures; package load does.
package transport
