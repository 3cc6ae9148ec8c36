package lpc

import (
	"time"

	"github.com/seed-eedd8485/lpc/internal/engine"
)

// A TraceEvent is one step of a port or a connection, as it happens: "create port",
// "connect", "connection request", "accept", "complete", "connected", "refuse",
// "refused", "handshake ended", "closed", "peer died", "protocol error", "close port";
// at the end that sends, "call", "callback", "datagram", and "reply" when it has come; at
// the end that receives, "request received", "callback received" and "datagram
// received", before the handler, and "replied", before the caller has it.
type TraceEvent struct {
	Time    time.Time
	What    string
	Port    string // name
	MsgID   uint32 // 0: none
	Peer    Caller
	Bytes   int  // of data or connection information
	Section bool // the data stands in a section
	Err     error
}

func tracer(f func(TraceEvent)) func(engine.Event) {
	if f == nil {
		return nil
	}
	return func(e engine.Event) {
		f(TraceEvent{Time: e.Time, What: e.What, Port: e.Port, MsgID: e.MsgID, Peer: callerOf(e.Peer), Bytes: e.Bytes, Section: e.Section, Err: e.Err})
	}
}
