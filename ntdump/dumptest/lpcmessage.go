package dumptest

// Message describes a message. Zero values are left zero.
type Message struct {
	At       uint64
	ID       uint64
	Type     uint64 // 1 request, 2 reply, 3 datagram, a connection request
	Sender   uint64 // communication port that it came through
	Client   [2]uint64
	Context  uint64
	Callback uint64
	Info     uint64 // DataInfoOffset
	Data     []byte
	NonPaged bool
}

// AddMessage makes a message that stands nowhere, and returns its address.
func (o *Objects) AddMessage(msg Message) uint64 {
	m := o.m
	pool := o.Paged
	if msg.NonPaged {
		pool = o.NonPaged
	}
	size := m.Size("_LPCP_MESSAGE") + len(msg.Data)
	at := msg.At
	if at == 0 {
		at = pool.Alloc("LpcM", size)
	} else {
		pool.AllocAt(at, "LpcM", size)
	}
	m.Put(at, make([]byte, size))
	m.Empty(at)
	m.Set(at, "_LPCP_MESSAGE.SenderPort", msg.Sender)
	m.Set(at, "_LPCP_MESSAGE.PortContext", msg.Context)
	r := at + m.Offset("_LPCP_MESSAGE.Request")
	m.Set(r, "_PORT_MESSAGE.DataLength", uint64(len(msg.Data)))
	m.Set(r, "_PORT_MESSAGE.TotalLength", uint64(len(msg.Data)+m.Size("_PORT_MESSAGE")))
	m.Set(r, "_PORT_MESSAGE.Type", msg.Type)
	m.Set(r, "_PORT_MESSAGE.DataInfoOffset", msg.Info)
	m.Set(r, "_PORT_MESSAGE.ClientId", msg.Client[0])
	m.Ptr(r+m.Offset("_PORT_MESSAGE.ClientId")+uint64(m.Pointer()), msg.Client[1])
	m.Set(r, "_PORT_MESSAGE.MessageId", msg.ID)
	m.Set(r, "_PORT_MESSAGE.CallbackId", msg.Callback)
	m.Put(at+uint64(m.Size("_LPCP_MESSAGE")), msg.Data)
	return at
}

// Queue puts a message at the end of a port's queue, and counts it in the semaphore.
func (o *Objects) Queue(port, message uint64) {
	m := o.m
	m.Insert(port+m.Offset("_LPCP_PORT_OBJECT.MsgQueue.ReceiveHead"), message)
	state := m.GetPtr(port+m.Offset("_LPCP_PORT_OBJECT.MsgQueue.Semaphore")) + m.Offset("_KSEMAPHORE.Header.SignalState")
	m.Number(state, uint64(m.Get(state, 1)[0])+1, 4)
}

// DataInfo puts a message at the end of a port's data-info chain: the server has it,
// and may still read what its sender described.
func (o *Objects) DataInfo(port, message uint64) {
	o.m.Insert(port+o.m.Offset("_LPCP_PORT_OBJECT.LpcDataInfoChainHead"), message)
}

// States and wait reasons of a thread that waits (reference 1.2).
const (
	stateWait    = 5
	WrExecutive  = 0
	WrLpcReceive = 0x10
	WrLpcReply   = 0x11
)

// WaitReply makes a thread wait for the reply to a message: on its own port, in the
// reply chain of another (the port across, or the connection port for a connector).
func (o *Objects) WaitReply(thread, id, own, chain uint64) {
	m := o.m
	m.Set(thread, "_ETHREAD.LpcReplyMessageId", id)
	m.Set(thread, "_ETHREAD.LpcWaitingOnPort", own|1)
	m.Insert(chain+m.Offset("_LPCP_PORT_OBJECT.LpcReplyChainHead"), thread+m.Offset("_ETHREAD.LpcReplyChain"))
	sem := thread + m.Offset("_ETHREAD.LpcReplySemaphore")
	m.Semaphore(sem, 0)
	m.Set(sem, "_KSEMAPHORE.Limit", 1)
	m.Wait(thread, WrLpcReply, 0, sem)
}

// WaitReceive makes a thread wait for messages of a port.
func (o *Objects) WaitReceive(thread, port uint64) {
	o.m.Wait(thread, WrLpcReceive, 0, o.m.GetPtr(port+o.m.Offset("_LPCP_PORT_OBJECT.MsgQueue.Semaphore")))
}

// Received notes that a thread has a message: what it received last.
func (o *Objects) Received(thread, id uint64) {
	m := o.m
	m.Set(thread, "_ETHREAD.LpcReceivedMessageId", id)
	m.Set(thread, "_ETHREAD.SameThreadApcFlags", 1)
}

// Wait makes a thread wait for objects, in user mode. Its wait blocks stand at an
// address; 0 is the next free place.
func (m *Machine) Wait(thread, reason, blocks uint64, objects ...uint64) {
	size := uint64(m.Size("_KWAIT_BLOCK"))
	if blocks == 0 {
		blocks = m.Alloc(len(objects) * int(size))
	}
	m.Set(thread, "_KTHREAD.State", stateWait)
	m.Set(thread, "_KTHREAD.WaitReason", reason)
	m.Set(thread, "_KTHREAD.WaitMode", 1)
	m.Set(thread, "_KTHREAD.WaitBlockList", blocks)
	for i, object := range objects {
		b := blocks + uint64(i)*size
		m.Set(b, "_KWAIT_BLOCK.Thread", thread)
		m.Set(b, "_KWAIT_BLOCK.Object", object)
		m.Set(b, "_KWAIT_BLOCK.NextWaitBlock", blocks+uint64((i+1)%len(objects))*size)
		m.Set(b, "_KWAIT_BLOCK.WaitKey", uint64(i))
		m.Set(b, "_KWAIT_BLOCK.WaitType", 1)
		m.Insert(object+m.Offset("_KSEMAPHORE.Header.WaitListHead"), b)
	}
}
