// Package lpc lets processes on one Linux machine call each other by name, with
// the caller's identity proved by the kernel, and leaves everything about who
// waits for whom in memory that a debugger can read: NT's Local Procedure Call in
// Go.
//
// A server makes a port and serves it:
//
//	port, err := lpc.Listen("spool", nil)
//	...
//	err = lpc.Serve(ctx, port, lpc.HandlerFunc(func(r lpc.Request) {
//		r.Reply(r.Bytes())
//	}))
//
// A client connects to it and calls:
//
//	conn, err := lpc.Dial(ctx, "spool", nil)
//	...
//	reply, err := conn.Call(ctx, []byte("hello"))
//
// Requests and replies of up to 304 bytes travel in the channel, larger ones in
// section memory that both processes map; the same call serves both. There is no
// daemon, and nothing is left behind by a process that dies.
//
// The peer is not trusted: a process can hurt only its own connections. Every
// error of a connection says what happened at the other end: ErrPortClosed,
// ErrPeerDied, ErrProtocol.
//
// Unless a name's comment says otherwise, everything here may be used by several
// goroutines at once.
package lpc
