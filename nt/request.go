package nt

import "github.com/seed-eedd8485/lpc/internal/engine"

// NtRequestPort sends a datagram (lpc reference b.7). It never waits:
// StatusInsufficientResources when the receiver has not taken what was sent before.
func (t *Thread) NtRequestPort(PortHandle Handle, RequestMessage *Message) Status {
	if RequestMessage == nil {
		return StatusAccessViolation
	}
	if RequestMessage.DataInfoOffset != 0 {
		return StatusInvalidParameter
	}
	if s := checkLengths(RequestMessage); s != StatusSuccess {
		return s
	}
	o, s := portFor(PortHandle, RequestMessage)
	if s != StatusSuccess {
		return s
	}
	q, hidden := native(RequestMessage), RequestMessage.Type&LPCNoImpersonate != 0
	if c := o.conn(); c != nil {
		return status(c.SendNative(t.e, q, hidden))
	}
	return status(o.port().Loop(t.e, q, hidden, nil))
}

// NtRequestWaitReplyPort sends a request and waits for its reply (lpc reference b.8). The
// reply buffer may be the request's. With the type LPCRequest and the ClientId and
// MessageId of a request that it has received, it calls that request's sender back (e.2).
// What comes may be such a callback itself: its type is then LPCRequest, and
// NtReplyWaitReplyPort answers it.
func (t *Thread) NtRequestWaitReplyPort(PortHandle Handle, RequestMessage, ReplyMessage *Message) Status {
	if t.e.Exiting() {
		return StatusThreadIsTerminating
	}
	if RequestMessage == nil || ReplyMessage == nil {
		return StatusAccessViolation
	}
	q := native(RequestMessage)
	base := q.Type &^ (LPCNoImpersonate | LPCKernelModeMessage)
	if base != LPCNewMessage && base != LPCRequest || q.Type&LPCKernelModeMessage != 0 {
		return StatusInvalidParameter
	}
	if s := checkLengths(RequestMessage); s != StatusSuccess {
		return s
	}
	if s := checkDataInfo(RequestMessage); s != StatusSuccess {
		return s
	}
	o, s := portFor(PortHandle, RequestMessage)
	if s != StatusSuccess {
		return s
	}
	hidden, reply := q.Type&LPCNoImpersonate != 0, native(ReplyMessage)
	if base == LPCRequest {
		return t.callback(o.eng, q, hidden, reply)
	}
	if c := o.conn(); c != nil {
		if err := c.Err(); err != nil {
			return status(err)
		}
		return lost(c.Request(t.e, q, hidden, reply))
	}
	return lost(o.port().Loop(t.e, q, hidden, reply))
}

// callback calls the sender of a received request back.
func (t *Thread) callback(o engine.Object, q *engine.Native, hidden bool, reply *engine.Native) Status {
	if q.MessageID == 0 {
		return StatusInvalidParameter
	}
	u, err := t.e.Find(o, &q.PortMessage)
	if err != nil {
		return status(err)
	}
	return lost(u.C.Callback(t.e, u, q, hidden, reply))
}

// NtReplyPort answers a request that was received (lpc reference b.9). ClientId and
// MessageId say which one; any thread of the process may answer.
func (t *Thread) NtReplyPort(PortHandle Handle, ReplyMessage *Message) Status {
	o, s := t.checkReply(PortHandle, ReplyMessage)
	if s != StatusSuccess {
		return s
	}
	return status(t.e.Reply(o.eng, native(ReplyMessage)))
}

func (t *Thread) checkReply(h Handle, m *Message) (*object, Status) {
	if m == nil {
		return nil, StatusAccessViolation
	}
	if s := checkLengths(m); s != StatusSuccess {
		return nil, s
	}
	if m.MessageID == 0 {
		return nil, StatusInvalidParameter
	}
	return portFor(h, m)
}

// NtReplyWaitReplyPort answers a callback and waits for the reply to the request during
// which the thread was called back (lpc reference b.11).
func (t *Thread) NtReplyWaitReplyPort(PortHandle Handle, ReplyMessage *Message) Status {
	o, s := t.checkReply(PortHandle, ReplyMessage)
	if s != StatusSuccess {
		return s
	}
	m := native(ReplyMessage)
	return lost(t.e.ReplyWait(o.eng, m, m))
}
