package nt

import (
	"io/fs"
	"os"

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
	if s := noRoot(oa); s != StatusSuccess {
		return s
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
	var s Status
	if o.Mode, o.Admit, s = admission(oa.SecurityDescriptor); s != StatusSuccess {
		return s
	}
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

// noRoot refuses names below a directory's handle: there are none.
func noRoot(oa *ObjectAttributes) Status {
	switch {
	case oa.RootDirectory == 0:
		return StatusSuccess
	case lookup(oa.RootDirectory) == nil:
		return StatusInvalidHandle
	}
	return StatusObjectTypeMismatch
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
func admission(d *access.Descriptor) (fs.FileMode, func(security.Identity) bool, Status) {
	if d == nil {
		return 0, nil, StatusSuccess
	}
	full, err := d.Assign(security.Identity{PID: os.Getpid(), UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())})
	if err != nil {
		return 0, nil, StatusInvalidOwner
	}
	return 0o666, func(id security.Identity) bool {
		_, ok := access.Check(full, id, access.PortConnect)
		return ok
	}, StatusSuccess
}
