package nt

import (
	"errors"

	"github.com/seed-eedd8485/lpc/internal/engine"
)

// NtQueryInformationPort knows no class: with a handle it succeeds and gives nothing
// (lpc reference b.14).
func (t *Thread) NtQueryInformationPort(PortHandle Handle, PortInformationClass uint32, PortInformation []byte, ReturnLength *uint32) Status {
	if PortHandle == 0 {
		return StatusInvalidInfoClass
	}
	if _, s := portWith(PortHandle, portRead); s != StatusSuccess {
		return s
	}
	if ReturnLength != nil {
		*ReturnLength = 0
	}
	return StatusSuccess
}

// portRead is what GENERIC_READ means for a port: READ_CONTROL and PORT_CONNECT (a.1).
const portRead = 0x20001

// NtRegisterThreadTerminatePort has the port get LPC_CLIENT_DIED when the calling thread
// ends (lpc reference b.15). Each registration gives a message of its own.
func (t *Thread) NtRegisterThreadTerminatePort(PortHandle Handle) Status {
	o, s := portWith(PortHandle, PortAllAccess)
	switch {
	case o != nil && o.kind != portObject:
		return StatusObjectTypeMismatch
	case s != StatusSuccess:
		return s
	case !o.hold(): // the port outlives its handles until the thread has ended
		return StatusInvalidHandle
	}
	release := func() { o.release(t) }
	err := o.eng.(interface {
		Register(*engine.Thread, uint64, func()) error
	}).Register(t.e, t.created, release)
	if err != nil {
		release()
	}
	return status(err)
}

// EventFD gives a descriptor that is readable while a waitable port has a message, and when
// the port is gone: for select, poll or epoll, beside other descriptors. It is the caller's
// to close, and not to read from or write to; close-on-exec. It may be readable for what is
// no message: receive without waiting. Other handles: StatusObjectTypeMismatch.
func EventFD(Handle Handle) (fd int, s Status) {
	o, s := port(Handle)
	switch {
	case s != StatusSuccess:
		return -1, s
	case o.kind != waitablePortObject:
		return -1, StatusObjectTypeMismatch
	}
	fd, err := engine.EventFD(o.eng)
	switch {
	case errors.Is(err, engine.ErrPortClosed):
		return -1, StatusPortClosed
	case err != nil:
		return -1, StatusInsufficientResources
	}
	return fd, StatusSuccess
}

// NtWaitForSingleObject waits until a waitable port has a message: StatusSuccess, or
// StatusTimeout; StatusPortClosed, or StatusPortDisconnected, where the port goes meanwhile.
// Other handles: StatusObjectTypeMismatch.
func (t *Thread) NtWaitForSingleObject(Handle Handle, Alertable bool, Timeout *int64) Status {
	o, s := port(Handle)
	switch {
	case s != StatusSuccess:
		return s
	case o.kind != waitablePortObject:
		return StatusObjectTypeMismatch
	}
	err := t.e.Await(o.eng, limitOf(Timeout))
	if errors.Is(err, engine.ErrPortClosed) && o.handles.Load() == 0 {
		return StatusPortClosed // its last handle was closed while we waited
	}
	return status(err)
}
