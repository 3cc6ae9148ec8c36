//go:build cgo && linux

package main

import "C"

import (
	"github.com/seed-eedd8485/lpc/nt"
	"github.com/seed-eedd8485/lpc/security/access"
)

const handleSize = 8

// lpcgoCreatePort is NtCreatePort and NtCreateWaitablePort.
//
//export lpcgoCreatePort
func lpcgoCreatePort(self uint32, out, attributes uintptr, maxInfo, maxMessage, maxPool, waitable uint32) uint32 {
	return uint32(createPort(at(self), out, attributes, maxInfo, maxMessage, maxPool, waitable != 0))
}

func createPort(t *thread, out, attributes uintptr, maxInfo, maxMessage, maxPool uint32, waitable bool) nt.Status {
	if s := probe(out, handleSize, 4); s != nt.StatusSuccess {
		return s
	}
	oa, name, s := getAttributes(attributes)
	if s != nt.StatusSuccess {
		return s
	}
	d, s := oa.descriptor()
	if s != nt.StatusSuccess && maxMessage <= nt.MaxMessageLength && maxInfo <= nt.MaxConnectionInfo {
		return s // where a limit is wrong, that comes first (b.2)
	}
	create := t.NtCreatePort
	if waitable {
		create = t.NtCreateWaitablePort
	}
	var h nt.Handle
	a := nt.ObjectAttributes{RootDirectory: oa.RootDirectory, ObjectName: name, Attributes: oa.Attributes, SecurityDescriptor: d}
	if s = create(&h, &a, maxInfo, maxMessage, maxPool); s != nt.StatusSuccess {
		return s
	}
	return putHandle(t, out, h)
}

// putHandle gives a new handle out. One that cannot be given is closed.
func putHandle(t *thread, out uintptr, h nt.Handle) nt.Status {
	s := put(out, &h)
	if s != nt.StatusSuccess {
		t.NtClose(h)
	}
	return s
}

// lpcgoSecureConnectPort is also NtConnectPort, without a SID.
//
//export lpcgoSecureConnectPort
func lpcgoSecureConnectPort(self uint32, out, name, qos, clientView, sid, serverView, maxLength, info, infoLength uintptr) uint32 {
	c := connect{t: at(self), out: out, clientView: clientView, serverView: serverView, maxLength: maxLength, info: info, infoLength: infoLength}
	if s := c.read(name, qos, sid); s != nt.StatusSuccess {
		return uint32(s)
	}
	return uint32(c.call())
}

// connect is a NtSecureConnectPort on its way: the addresses, and what stands there.
type connect struct {
	t                                                        *thread
	out, clientView, serverView, maxLength, info, infoLength uintptr

	name   string
	qos    nt.SecurityQualityOfService
	client *nt.PortView
	server *nt.RemotePortView
	sid    *access.SID
	given  uint32 // bytes of information
	bytes  []byte
}

// read reads all that the addresses name, in the order of b.3.
func (c *connect) read(name, qos, sid uintptr) nt.Status {
	if s := probe(c.out, handleSize, 4); s != nt.StatusSuccess {
		return s
	}
	text, valid, s := getText(name)
	if s != nt.StatusSuccess {
		return s
	}
	if c.name = text; !valid {
		c.name = ""
	}
	if c.client, s = getView(c.clientView); s != nt.StatusSuccess {
		return s
	}
	if c.server, s = getRemoteView(c.serverView); s != nt.StatusSuccess {
		return s
	}
	if s := get(qos, 4, &c.qos); s != nt.StatusSuccess {
		return s
	}
	if s := mayProbe(c.maxLength, 4, 4); s != nt.StatusSuccess {
		return s
	}
	if c.infoLength != 0 {
		if s := getToPut(c.infoLength, 4, &c.given); s != nt.StatusSuccess {
			return s
		}
	}
	if n := min(c.given, nt.MaxConnectionInfo); c.info != 0 && n > 0 {
		if s := probe(c.info, uintptr(n), 1); s != nt.StatusSuccess {
			return s
		}
		c.bytes = make([]byte, n)
		if s := getBytes(c.info, c.bytes); s != nt.StatusSuccess {
			return s
		}
	}
	if sid != 0 {
		v, s := getSID(sid)
		if s != nt.StatusSuccess {
			return s
		}
		c.sid = &v
	}
	return nt.StatusSuccess
}

// call connects and writes what comes of it.
func (c *connect) call() nt.Status {
	var h nt.Handle
	var most uint32
	n := &c.given
	if c.infoLength == 0 {
		n = nil
	}
	s := c.t.NtSecureConnectPort(&h, &c.name, &c.qos, c.client, c.sid, c.server, &most, c.bytes, n)
	switch s {
	case nt.StatusSuccess:
		if s = c.put(h, most); s != nt.StatusSuccess {
			c.t.NtClose(h)
		}
	case nt.StatusPortConnectionRefused:
		if f := c.putInfo(); f != nt.StatusSuccess {
			return f
		}
	}
	return s
}

func (c *connect) put(h nt.Handle, most uint32) nt.Status {
	if c.client != nil {
		if s := put(c.clientView, c.client); s != nt.StatusSuccess {
			return s
		}
	}
	if c.server != nil {
		if s := put(c.serverView, c.server); s != nt.StatusSuccess {
			return s
		}
	}
	if c.maxLength != 0 {
		if s := put(c.maxLength, &most); s != nt.StatusSuccess {
			return s
		}
	}
	if s := c.putInfo(); s != nt.StatusSuccess {
		return s
	}
	return put(c.out, &h)
}

func (c *connect) putInfo() nt.Status {
	if c.infoLength == 0 {
		return nt.StatusSuccess
	}
	if s := put(c.infoLength, &c.given); s != nt.StatusSuccess {
		return s
	}
	return putBytes(c.info, c.bytes[:min(int(c.given), len(c.bytes))])
}

// getView and getRemoteView read a view that is written again, nil where there is none,
// and hold its length against its size before the next pointer is looked at (b.3, step 2).
func getView(p uintptr) (*nt.PortView, nt.Status) {
	return getSized(p, nt.PortViewSize, func(v *nt.PortView) uint32 { return v.Length })
}

func getRemoteView(p uintptr) (*nt.RemotePortView, nt.Status) {
	return getSized(p, nt.RemotePortViewSize, func(v *nt.RemotePortView) uint32 { return v.Length })
}

func getSized[T any](p uintptr, size uint32, length func(*T) uint32) (*T, nt.Status) {
	if p == 0 {
		return nil, nt.StatusSuccess
	}
	v := new(T)
	s := getToPut(p, 4, v)
	if s == nt.StatusSuccess && length(v) != size {
		s = nt.StatusInvalidParameter
	}
	return v, s
}

//export lpcgoListenPort
func lpcgoListenPort(self uint32, h, request uintptr) uint32 {
	t := at(self)
	s := probe(request, nt.HeaderSize, 4)
	if s == nt.StatusSuccess {
		s = t.NtListenPort(nt.Handle(h), &t.message)
	}
	if s == nt.StatusSuccess {
		s = putMessage(request, &t.message)
	}
	return uint32(s)
}

//export lpcgoAcceptConnectPort
func lpcgoAcceptConnectPort(self uint32, out, context, request uintptr, accept uint32, serverView, clientView uintptr) uint32 {
	return uint32(acceptConnectPort(at(self), out, context, request, accept != 0, serverView, clientView))
}

func acceptConnectPort(t *thread, out, context, request uintptr, accept bool, serverView, clientView uintptr) nt.Status {
	if s := probe(out, handleSize, 4); s != nt.StatusSuccess { // also when refusing (b.5)
		return s
	}
	if s := getInformation(request, &t.message); s != nt.StatusSuccess {
		return s
	}
	server, s := getView(serverView)
	if s != nt.StatusSuccess {
		return s
	}
	client, s := getRemoteView(clientView)
	if s != nt.StatusSuccess {
		return s
	}
	var h nt.Handle
	if s := t.NtAcceptConnectPort(&h, context, &t.message, accept, server, client); s != nt.StatusSuccess || !accept {
		return s
	}
	if server != nil {
		s = put(serverView, server)
	}
	if client != nil && s == nt.StatusSuccess {
		s = put(clientView, client)
	}
	if s != nt.StatusSuccess {
		t.NtClose(h) // and the client is refused
		return s
	}
	return putHandle(t, out, h)
}

// getInformation reads a connection request and the information for the client that
// stands behind it: as much as any port allows.
func getInformation(p uintptr, m *nt.Message) nt.Status {
	if s := getHeader(p, m); s != nt.StatusSuccess {
		return s
	}
	m.DataLength = min(m.DataLength, nt.MaxConnectionInfo)
	return getBytes(p+nt.HeaderSize, m.Body[:m.DataLength])
}

//export lpcgoCompleteConnectPort
func lpcgoCompleteConnectPort(self uint32, h uintptr) uint32 {
	return uint32(at(self).NtCompleteConnectPort(nt.Handle(h)))
}
