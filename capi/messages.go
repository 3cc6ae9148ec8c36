//go:build cgo && linux

package main

import "C"

import "github.com/seed-eedd8485/lpc/nt"

// send makes a call with the message at an address of C's.
func (t *thread) send(h, message uintptr, call func(*nt.Thread, nt.Handle, *nt.Message) nt.Status) nt.Status {
	if s := getMessage(message, &t.message); s != nt.StatusSuccess {
		return s
	}
	return call(t.Thread, nt.Handle(h), &t.message)
}

//export lpcgoRequestPort
func lpcgoRequestPort(self uint32, h, message uintptr) uint32 {
	return uint32(at(self).send(h, message, (*nt.Thread).NtRequestPort))
}

// lpcgoRequestWaitReplyPort does not touch the memory for the reply before it has come:
// where it cannot be written then, the replier has succeeded (e.4).
//
//export lpcgoRequestWaitReplyPort
func lpcgoRequestWaitReplyPort(self uint32, h, request, reply uintptr) uint32 {
	t := at(self)
	s := getMessage(request, &t.message)
	if s == nt.StatusSuccess {
		s = check(reply, nt.HeaderSize, 4)
	}
	if s == nt.StatusSuccess {
		s = t.NtRequestWaitReplyPort(nt.Handle(h), &t.message, &t.message)
	}
	if s == nt.StatusSuccess {
		s = putMessage(reply, &t.message)
	}
	return uint32(s)
}

//export lpcgoReplyPort
func lpcgoReplyPort(self uint32, h, message uintptr) uint32 {
	return uint32(at(self).send(h, message, (*nt.Thread).NtReplyPort))
}

//export lpcgoReplyWaitReplyPort
func lpcgoReplyWaitReplyPort(self uint32, h, message uintptr) uint32 {
	t := at(self)
	s := t.send(h, message, (*nt.Thread).NtReplyWaitReplyPort)
	if s == nt.StatusSuccess {
		s = putMessage(message, &t.message)
	}
	return uint32(s)
}

// lpcgoReplyWaitReceivePort is NtReplyWaitReceivePort, and with a timeout the Ex of it.
//
//export lpcgoReplyWaitReceivePort
func lpcgoReplyWaitReceivePort(self uint32, h, context, reply, message, timeout uintptr) uint32 {
	return uint32(replyWaitReceivePort(at(self), h, context, reply, message, timeout))
}

func replyWaitReceivePort(t *thread, h, context, reply, message, timeout uintptr) nt.Status {
	if s := mayProbe(context, handleSize, 4); s != nt.StatusSuccess {
		return s
	}
	var answer *nt.Message
	if reply != 0 {
		answer = &t.message
		if s := getMessage(reply, answer); s != nt.StatusSuccess {
			return s
		}
	}
	if s := probe(message, nt.HeaderSize, 4); s != nt.StatusSuccess {
		return s
	}
	limit, s := t.limit(timeout)
	if s != nt.StatusSuccess {
		return s
	}
	if s := t.NtReplyWaitReceivePortEx(nt.Handle(h), &t.context, answer, &t.receive, limit); s != nt.StatusSuccess {
		return s
	}
	if s := putMessage(message, &t.receive); s != nt.StatusSuccess || context == 0 {
		return s
	}
	return put(context, &t.context)
}

// lpcgoRequestData is NtReadRequestData and NtWriteRequestData.
//
//export lpcgoRequestData
func lpcgoRequestData(self uint32, h, message uintptr, index uint32, buffer, size, count uintptr, write uint32) uint32 {
	return uint32(requestData(at(self), h, message, index, buffer, size, count, write != 0))
}

// mostCopied bounds what safe mode copies of a buffer through memory of its own.
const mostCopied = 64 << 20

func requestData(t *thread, h, message uintptr, index uint32, buffer, size, count uintptr, write bool) nt.Status {
	if s := getHeader(message, &t.message); s != nt.StatusSuccess {
		return s
	}
	call := t.NtReadRequestData
	s := nt.StatusSuccess
	if write {
		call = t.NtWriteRequestData
		s = readable(buffer, size)
	} else {
		s = probe(buffer, size, 1)
	}
	if s != nt.StatusSuccess {
		return s
	}
	if s := mayProbe(count, 8, 4); s != nt.StatusSuccess {
		return s
	}
	var n uint64
	if safe.Load() {
		s = copiedData(call, t, nt.Handle(h), index, buffer, size, &n, write)
	} else {
		s = call(nt.Handle(h), &t.message, index, inPlace(buffer, size), &n)
	}
	if s != nt.StatusSuccess && s != nt.StatusPartialCopy || count == 0 {
		return s
	}
	if f := put(count, &n); f != nt.StatusSuccess {
		return f
	}
	return s
}

// copiedData is for safe mode, in which package nt may not touch the buffer.
func copiedData(call func(nt.Handle, *nt.Message, uint32, []byte, *uint64) nt.Status, t *thread, h nt.Handle, index uint32, buffer, size uintptr, n *uint64, write bool) nt.Status {
	if size > mostCopied {
		return nt.StatusInsufficientResources
	}
	b := make([]byte, size)
	if write {
		if s := getBytes(buffer, b); s != nt.StatusSuccess {
			return s
		}
	}
	s := call(h, &t.message, index, b, n)
	if *n > 0 && !write { // all, or with StatusPartialCopy a part
		if f := putBytes(buffer, b[:*n]); f != nt.StatusSuccess {
			return f
		}
	}
	return s
}

// readable tells whether a buffer can be read, by a byte of each page.
func readable(p, n uintptr) nt.Status {
	s := check(p, n, 1)
	var b [1]byte
	for a := p; s == nt.StatusSuccess && n > 0 && a < p+n; a = (a + pageSize) &^ (pageSize - 1) {
		s = getBytes(a, b[:])
	}
	return s
}
