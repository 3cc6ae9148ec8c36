package dumptest

// Kinds of ports and flags (reference 1.1).
const (
	ConnectionPort  = 1
	UnconnectedPort = 2
	ServerPort      = 3
	ClientPort      = 4
	PortDeleted     = 0x10000000
	PortWaitable    = 0x20000000
	PortNameDeleted = 0x40000000
	PortDynamic     = 0x80000000
)

// Port describes a port object to be made. Zero values are left zero.
type Port struct {
	At         uint64
	Flags      uint64 // kind and flags
	Name       string // in \RPC Control
	Connection uint64 // for ends of a connection; a connection port names itself
	Process    uint64 // ServerProcess of a connection port, else MappingProcess
	Creator    [2]uint64
	Context    uint64
	Semaphore  uint64 // address of the queue's semaphore; 0: the next free place
	State      uint64 // of the semaphore
	Handles    uint64
	Pointers   uint64
	Security   Security
}

// Security is a port's quality of service and, for static tracking, what was captured
// of the client.
type Security struct {
	Level     uint64 // SECURITY_IMPERSONATION_LEVEL
	Dynamic   bool
	Effective bool
	Token     uint64
}

// AddPort makes a port with a queue, and returns its address. A waitable one stands in
// nonpaged pool.
func (o *Objects) AddPort(p Port) uint64 {
	m := o.m
	typ, tag, waitable := "Port", "Por\xf4", p.Flags&PortWaitable != 0
	if waitable {
		typ, tag = "WaitablePort", "Wai\xf4"
	}
	if p.Pointers == 0 {
		p.Pointers = max(p.Handles, 1)
	}
	at := o.Add(Object{At: p.At, Type: o.types[typ], Tag: tag, Size: m.Size("_LPCP_PORT_OBJECT"), Name: p.Name, Directory: o.RPC,
		Creator: p.Creator[0], Handles: p.Handles, Pointers: p.Pointers, NonPaged: waitable})
	if p.Flags&0xf == ConnectionPort {
		p.Connection = at
	}
	if p.Flags&0xf == UnconnectedPort { // it is its own peer (reference of LPC, a.2)
		m.Set(at, "_LPCP_PORT_OBJECT.ConnectedPort", at)
	}
	m.Set(at, "_LPCP_PORT_OBJECT.ConnectionPort", p.Connection)
	m.Set(at, "_LPCP_PORT_OBJECT.Creator", p.Creator[0])
	m.Ptr(at+m.Offset("_LPCP_PORT_OBJECT.Creator")+uint64(m.Pointer()), p.Creator[1])
	m.Set(at, "_LPCP_PORT_OBJECT.PortContext", p.Context)
	m.Set(at, "_LPCP_PORT_OBJECT.ServerProcess", p.Process)
	m.Set(at, "_LPCP_PORT_OBJECT.MaxMessageLength", 0x148)
	m.Set(at, "_LPCP_PORT_OBJECT.MaxConnectionInfoLength", 0x104)
	m.Set(at, "_LPCP_PORT_OBJECT.Flags", p.Flags)
	for _, head := range []string{"MsgQueue.ReceiveHead", "LpcReplyChainHead", "LpcDataInfoChainHead"} {
		m.Empty(at + m.Offset("_LPCP_PORT_OBJECT."+head))
	}
	o.addQueue(at, p)
	o.secure(at, p.Security)
	return at
}

// addQueue makes the semaphore of a port's queue, in nonpaged pool with a pointer back.
func (o *Objects) addQueue(port uint64, p Port) {
	m := o.m
	if p.Semaphore == 0 {
		p.Semaphore = o.NonPaged.Alloc("LpcQ", m.Size("_LPCP_NONPAGED_PORT_QUEUE"))
	} else {
		o.NonPaged.AllocAt(p.Semaphore, "LpcQ", m.Size("_LPCP_NONPAGED_PORT_QUEUE"))
	}
	m.Semaphore(p.Semaphore, p.State)
	m.Set(p.Semaphore, "_LPCP_NONPAGED_PORT_QUEUE.BackPointer", port)
	m.Set(port, "_LPCP_PORT_OBJECT.MsgQueue.NonPagedPortQueue", p.Semaphore)
	m.Set(port, "_LPCP_PORT_OBJECT.MsgQueue.Semaphore", p.Semaphore)
}

// Semaphore writes a semaphore with NT's limit for ports.
func (m *Machine) Semaphore(at, state uint64) {
	m.Set(at, "_DISPATCHER_HEADER.Type", 5)
	m.Set(at, "_DISPATCHER_HEADER.Size", uint64(m.Size("_KSEMAPHORE")/4))
	m.Set(at, "_KSEMAPHORE.Header.SignalState", state)
	m.Empty(at + m.Offset("_KSEMAPHORE.Header.WaitListHead"))
	m.Set(at, "_KSEMAPHORE.Limit", 0x7fffffff)
}

// secure writes the quality of service and the client's context.
func (o *Objects) secure(port uint64, s Security) {
	m := o.m
	context := port + m.Offset("_LPCP_PORT_OBJECT.StaticSecurity")
	for _, at := range []uint64{port + m.Offset("_LPCP_PORT_OBJECT.SecurityQos"), context + m.Offset("_SECURITY_CLIENT_CONTEXT.SecurityQos")} {
		m.Set(at, "_SECURITY_QUALITY_OF_SERVICE.Length", uint64(m.Size("_SECURITY_QUALITY_OF_SERVICE")))
		m.Set(at, "_SECURITY_QUALITY_OF_SERVICE.ImpersonationLevel", s.Level)
		if s.Dynamic {
			m.Set(at, "_SECURITY_QUALITY_OF_SERVICE.ContextTrackingMode", 1)
		}
		if s.Effective {
			m.Set(at, "_SECURITY_QUALITY_OF_SERVICE.EffectiveOnly", 1)
		}
	}
	m.Set(context, "_SECURITY_CLIENT_CONTEXT.ClientToken", s.Token)
}

// Connect makes the two ends of a connection to a port: the server's and the client's.
// Each is described but for its kind, its peer and its connection port.
func (o *Objects) Connect(port uint64, server, client Port) (serverEnd, clientEnd uint64) {
	m := o.m
	kind := func(p *Port, k uint64) {
		p.Flags = p.Flags&^0xf | k
		p.Connection = port
	}
	kind(&server, ServerPort)
	kind(&client, ClientPort)
	serverEnd, clientEnd = o.AddPort(server), o.AddPort(client)
	m.Set(serverEnd, "_LPCP_PORT_OBJECT.ConnectedPort", clientEnd)
	m.Set(clientEnd, "_LPCP_PORT_OBJECT.ConnectedPort", serverEnd)
	return serverEnd, clientEnd
}
