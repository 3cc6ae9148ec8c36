package nt

import (
	"errors"

	"github.com/seed-eedd8485/lpc/internal/engine"
)

// NtReadRequestData reads memory that the sender of a received request listed as
// data-info (lpc reference b.13): entry DataEntryIndex, from its start, len(Buffer) bytes.
// The sender's process copies it, inside the range as it stood when the request was sent,
// while the sender waits. A sender whose process does not do it in time, a second and one
// for each 4 MiB, is taken not to wait: StatusReplyMessageMismatch.
func (t *Thread) NtReadRequestData(PortHandle Handle, Message *Message, DataEntryIndex uint32, Buffer []byte, NumberOfBytesRead *uint64) Status {
	return t.requestData(PortHandle, Message, DataEntryIndex, Buffer, NumberOfBytesRead, false)
}

// NtWriteRequestData writes such memory.
func (t *Thread) NtWriteRequestData(PortHandle Handle, Message *Message, DataEntryIndex uint32, Buffer []byte, NumberOfBytesWritten *uint64) Status {
	return t.requestData(PortHandle, Message, DataEntryIndex, Buffer, NumberOfBytesWritten, true)
}

func (t *Thread) requestData(h Handle, m *Message, index uint32, buf []byte, count *uint64, write bool) Status {
	if m == nil {
		return StatusAccessViolation
	}
	if m.DataInfoOffset == 0 {
		return StatusInvalidParameter
	}
	o, s := port(h)
	if s != StatusSuccess {
		return s
	}
	if !engine.ThreadLives(m.ClientID) {
		return StatusInvalidCID
	}
	u, err := t.e.Find(o.eng, &m.PortMessage)
	if err != nil || !u.HasData() || u.CallbackID() != m.CallbackID {
		return StatusInvalidParameter // no such message with data
	}
	err = t.e.CopyData(u, write, index, buf)
	var failed *engine.HandlerError
	var part *engine.PartialCopy
	switch {
	case err == nil:
		if count != nil {
			*count = uint64(len(buf))
		}
		return StatusSuccess
	case errors.As(err, &part) && part.Done > 0:
		if count != nil {
			*count = uint64(part.Done)
		}
		return StatusPartialCopy
	case part != nil:
		return StatusAccessViolation
	case !errors.As(err, &failed):
		return lost(err)
	case failed.Code == engine.DataMismatch:
		return StatusReplyMessageMismatch
	}
	return StatusInvalidParameter
}
