package nt

import (
	"time"

	"github.com/seed-eedd8485/lpc/internal/engine"
)

// NtReplyWaitReceivePort answers a request (ReplyMessage not nil) and then waits for the
// port's next message (lpc reference b.10). PortContext, where not nil, gets the context
// of the connection that it came through.
func (t *Thread) NtReplyWaitReceivePort(PortHandle Handle, PortContext *uintptr, ReplyMessage, ReceiveMessage *Message) Status {
	return t.NtReplyWaitReceivePortEx(PortHandle, PortContext, ReplyMessage, ReceiveMessage, nil)
}

// NtReplyWaitReceivePortEx is NtReplyWaitReceivePort with a time limit: 100 ns units,
// negative from now on, positive since 1601 (UTC), 0 does not wait, nil is for ever.
func (t *Thread) NtReplyWaitReceivePortEx(PortHandle Handle, PortContext *uintptr, ReplyMessage, ReceiveMessage *Message, Timeout *int64) Status {
	if ReceiveMessage == nil {
		return StatusAccessViolation
	}
	var o *object
	var s Status
	if ReplyMessage != nil {
		if o, s = t.checkReply(PortHandle, ReplyMessage); s == StatusSuccess {
			s = status(t.e.Reply(o.eng, native(ReplyMessage)))
		}
	} else {
		o, s = port(PortHandle)
	}
	if s != StatusSuccess {
		return s
	}
	limit := limitOf(Timeout)
	var context uint64
	var err error
	if c := o.conn(); c != nil {
		context, err = c.Receive(t.e, limit, native(ReceiveMessage))
	} else {
		context, err = o.port().Receive(t.e, limit, native(ReceiveMessage))
	}
	if err != nil {
		if o.handles.Load() == 0 {
			return StatusPortClosed // its last handle was closed while we waited
		}
		return status(err)
	}
	if PortContext != nil {
		*PortContext = uintptr(context)
	}
	return StatusSuccess
}

// epoch1601 is 1601-01-01 in 100 ns before 1970.
const epoch1601 = 116444736000000000

func limitOf(timeout *int64) engine.Limit {
	switch {
	case timeout == nil:
		return engine.Limit{}
	case *timeout == 0:
		return engine.Limit{Poll: true}
	case *timeout < 0:
		if *timeout < -(1<<63-1)/100 {
			return engine.Limit{} // more than 292 years
		}
		return engine.Limit{At: time.Now().Add(time.Duration(-*timeout) * 100)}
	}
	n := *timeout - epoch1601
	return engine.Limit{At: time.Unix(n/1e7, n%1e7*100)}
}

// NtListenPort waits for a connection request; all else that comes meanwhile is thrown
// away, requests are never answered (lpc reference b.4): it serves for a port's first
// connection.
func (t *Thread) NtListenPort(PortHandle Handle, ConnectionRequest *Message) Status {
	for {
		s := t.NtReplyWaitReceivePort(PortHandle, nil, nil, ConnectionRequest)
		if s != StatusSuccess || ConnectionRequest.Type == LPCConnectionRequest {
			return s
		}
	}
}
