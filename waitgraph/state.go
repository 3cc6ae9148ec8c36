package waitgraph

import "time"

// A State is what one look at a target found. Records refer to each other by the
// target's addresses. Ticks are of one counter: the machine's, which all its
// processes read alike.
type State struct {
	Processes map[uint32]Process // by id
	Ports     []Port
	Messages  []Message
	Waits     []Wait
}

// A Process is one that records were found of, or that records name.
type Process struct {
	ID         uint32
	Image      string
	Unreadable string // why its records could not be read; "" when they were
}

// A Port is a port that receives: a connection port, or a client's end for
// callbacks.
type Port struct {
	Addr    uint64
	Process uint32
	Name    string
	Limit   int // handlers that may run at once; 0: not recorded
}

// MessageState is where a received message stands.
type MessageState uint8

// The states of a message that was not replied to.
const (
	Queued   MessageState = iota + 1 // nobody has taken it yet
	Served                           // a handler, or a thread, has it
	Deferred                         // its handler returned, the reply is still to come
)

// Key names one use of a slot of a channel: both ends write it down. The zero Key
// is none: a system without channels is matched by message id and thread.
type Key struct {
	Channel    uint64
	Generation uint64
	Slot       uint32
	Direction  uint32 // 0: the client's request, 1: the server's
}

// A Message was received and not replied to. Datagrams, which nobody waits for,
// are messages too: they occupy handlers.
type Message struct {
	Ref       uint64 // address of its record, or of the thread's that alone tells of it
	Process   uint32 // that received it
	ID        uint32
	State     MessageState
	Port      uint64 // that it came to
	PortName  string // of the connection port
	Thread    uint64 // that serves it
	ThreadID  uint64
	Key       Key
	Sender    uint32 // process
	SenderTID uint64
	Reply     bool          // somebody may wait for a reply
	Connect   bool          // a connection request: its program has not accepted or refused it
	Received  uint64        // ticks, 0 when not known
	Served    uint64        // ticks at which its handler began
	Age       time.Duration // since it was received; negative when not known
	ServedAge time.Duration // since its handler began; negative when not known
	// WaitReason is why the thread that serves it waits, where its record tells (NT)
	// and it is no call: "UserRequest"; "" else.
	WaitReason string
}

// A Wait is a thread that waits for the reply to a call.
type Wait struct {
	Thread   uint64
	ThreadID uint64
	Process  uint32
	Message  uint32 // id
	Port     uint64 // that it sent through
	PortName string // of the connection port, where known
	Peer     uint32 // process at the other end, 0 when not known
	Key      Key
	Call     string // function that it waits in, "" when not known
	Args     [4]uint64
	// Parent is the message that was served when the call was made (Ref), and its
	// id. ParentKnown: it says all, 0 being none; else there may be one that nobody
	// named.
	Parent      uint64
	ParentID    uint32
	ParentKnown bool
	Start       uint64        // ticks at which it was seen to wait, 0 when not known
	Age         time.Duration // negative when not known
	Where       []string      // stack, innermost first, where it was recorded
}
