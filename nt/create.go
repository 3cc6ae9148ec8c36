package nt

import (
	"io/fs"

	"github.com/seed-eedd8485/lpc/internal/engine"
	"github.com/seed-eedd8485/lpc/namespace"
	"github.com/seed-eedd8485/lpc/security"
	"github.com/seed-eedd8485/lpc/security/access"
)

// NtCreatePort makes a connection port, or without a name an unconnected communication
// port (lpc reference b.2). MaxMessageLength counts the header, at most MaxMessageLength;
// MaxPoolUsage is ignored, as NT ignores it.
func (t *Thread) NtCreatePort(PortHandle *Handle, ObjectAttributes *ObjectAttributes, MaxConnectionInfoLength, MaxMessageLength, MaxPoolUsage uint32) Status {
	return t.createPort(PortHandle, ObjectAttributes, MaxConnectionInfoLength, MaxMessageLength, false)
}

// NtCreateWaitablePort makes a port whose handle NtWaitForSingleObject waits on: it is
// signaled while a message is there to be received.
func (t *Thread) NtCreateWaitablePort(PortHandle *Handle, ObjectAttributes *ObjectAttributes, MaxConnectionInfoLength, MaxMessageLength, MaxPoolUsage uint32) Status {
	return t.createPort(PortHandle, ObjectAttributes, MaxConnectionInfoLength, MaxMessageLength, true)
}

func (t *Thread) createPort(out *Handle, oa *ObjectAttributes, maxInfo, maxMessage uint32, waitable bool) Status {
	switch {
	case out == nil, oa == nil:
		return StatusAccessViolation
	case maxMessage > MaxMessageLength:
		return StatusInvalidParameter4
	case maxInfo > MaxConnectionInfo:
		return StatusInvalidParameter3
	}
	var name *namespace.Name
	if oa.ObjectName != nil && *oa.ObjectName != "" {
		n, s := fullName(*oa.ObjectName)
		if s != StatusSuccess {
			return s
		}
		name = &n
	}
	o := engine.NativeOptions{
		MaxMessageLength: uint16(maxMessage), MaxConnectionInfoLength: uint16(maxInfo), Waitable: waitable, Creator: t.e.Cid(),
	}
	o.Mode, o.Admit = admission(oa.SecurityDescriptor)
	p, err := engine.CreatePort(name, o)
	if err != nil {
		return status(err)
	}
	k := portObject
	if waitable {
		k = waitablePortObject
	}
	*out = enter(p.Number(), &object{kind: k, eng: p}, PortAllAccess)
	return StatusSuccess
}

// fullName reads an object's name, which has a backslash first (b.2, b.3).
func fullName(s string) (namespace.Name, Status) {
	if s == "" || s[0] != '\\' {
		return namespace.Name{}, StatusObjectNameInvalid
	}
	n, err := namespace.Parse(s)
	if err != nil {
		return n, StatusObjectNameInvalid
	}
	return n, StatusSuccess
}

// admission is who may connect to a port with that descriptor: what the socket's mode
// lets through, and then the descriptor itself, asked for PORT_CONNECT.
func admission(d *access.Descriptor) (fs.FileMode, func(security.Identity) bool) {
	if d == nil {
		return 0, nil
	}
	return 0o666, func(id security.Identity) bool {
		_, ok := access.Check(d, id, access.PortConnect)
		return ok
	}
}
