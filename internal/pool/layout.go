package pool

import "github.com/seed-eedd8485/lpc/wire"

// Addr is a debugger's address: pool number << 40 | offset into the pool. 0 is
// no address.
type Addr uint64

// Offset is the address without its pool number.
func (a Addr) Offset() uint64 { return uint64(a) & (1<<poolShift - 1) }

// Pool is the pool number of the address: the pid of the process that it is in.
func (a Addr) Pool() uint32 { return uint32(a >> poolShift) }

// Tag is a block's four letters.
type Tag [4]byte

func (t Tag) String() string { return string(t[:]) }

// The tags of the library's own blocks. Sections that applications allocate
// carry tags of their choosing.
var (
	TagPool    = Tag{'P', 'o', 'o', 'l'} // the header and the type description
	TagPort    = Tag{'P', 'o', 'r', 't'} // PortObject
	TagMessage = Tag{'L', 'p', 'c', 'M'} // Message
	TagThread  = Tag{'T', 'h', 'r', 'e'} // Thread
	TagSection = Tag{'S', 'e', 'c', 't'} // Section: memory shared with a peer
	TagToken   = Tag{'T', 'o', 'k', 'e'} // Token: a peer's identity
	TagHandle  = Tag{'H', 'n', 'd', 'l'} // HandleTable
	TagFailed  = Tag{'F', 'a', 'i', 'l'} // FailedRing
	TagStack   = Tag{'S', 't', 'a', 'k'} // Stack and Frame
	TagOver    = Tag{'O', 'v', 'f', 'l'} // counts the tags that have no Tracker of their own
)

// Sizes, in bytes.
const (
	ExtentSize = 256 << 10 // a core file of an idle process stays small
	blockAlign = 64
	poolShift  = 40
	reserve    = 4 << 30 // address space kept for extents: the largest pool
)

// Magic numbers, as they stand in memory (little-endian).
const (
	ExtentMagic = 0x315458455043504c // "LPCPEXT1"
	BlockMagic  = 0x4243504c         // "LPCB"
	Version     = 1
)

// ExtentHeader opens every extent.
type ExtentHeader struct {
	Magic uint64
	Pool  uint32 // pool number
	Index uint32 // which extent: its offset in the pool is Index * ExtentSize
	Size  uint64 // bytes
	Tail  uint64 // offset in this extent behind its last block; only grows
	_     [4]uint64
}

// Block states.
const (
	BlockAllocated = 1
	BlockFree      = 2
)

// BlockHeader stands in front of every block.
type BlockHeader struct {
	Magic    uint32
	Size     uint32 // bytes with this header, a multiple of 64
	Tag      Tag
	State    uint32 // BlockAllocated or BlockFree; 0: never used
	Owner    Addr   // the object that this block belongs to, 0: the process
	Sequence uint64 // counts this block's allocations and frees: a reader that sees it change read a torn block
}

const blockHeaderSize = 0x20

// Header describes the pool. It is the body of the first block of extent 0.
type Header struct {
	Version      uint32
	HeaderSize   uint32
	ProcessID    uint32
	Extents      uint32 // how many
	StartTime    uint64 // of the process, clock ticks after boot (proc(5), stat field 22)
	Types        Addr   // type description: ISF JSON
	TypesLength  uint64 // bytes
	ClockTicks   uint64 // the tick counter (TSC, CNTVCT) and
	ClockWall    uint64 // the wall clock, ns since 1970, at one moment
	ClockHz      uint64 // ticks a second; 0 while not yet measured
	Limit        uint64 // bytes that may be allocated
	Used         uint64 // bytes allocated, headers included
	Blocks       uint64 // blocks allocated
	Locked       uint32 // 1: mlocked, so Nonpaged
	Flags        uint32
	Failures     uint64   // allocations that failed
	FailureSize  uint64   // of the last one, bytes
	FailureTag   Tag      // its tag
	ParentID     uint32   // pid of the process's parent when the pool was made
	FailureQuota [32]byte // the quota that caused it
	HandleTable  Addr     // first HandleTable
	HandleCount  uint32
	_            uint32
	NextThread   uint64 // threads numbered so far
	Program      [32]byte

	FailedMessages Addr // the FailedRing, 0: no message has failed
	Trackers       Addr // the first TrackerTable
}

// Flags of a pool.
const (
	PoolStacks = 1 // waiting calls carry their Go stacks (+ust)
)

// ListEntry is NT's LIST_ENTRY. A head that points to itself is an empty list;
// an entry of zeros is on no list.
type ListEntry struct {
	Flink Addr
	Blink Addr
}

// PortQueue is NT's LPCP_PORT_QUEUE.
type PortQueue struct {
	NonPagedPortQueue Addr
	Semaphore         Addr
	ReceiveHead       ListEntry
}

// SecurityQoS is NT's SECURITY_QUALITY_OF_SERVICE.
type SecurityQoS struct {
	Length              uint32
	ImpersonationLevel  uint32
	ContextTrackingMode uint8
	EffectiveOnly       uint8
	_                   [2]uint8
}

// SecurityClientContext is NT's SECURITY_CLIENT_CONTEXT.
type SecurityClientContext struct {
	SecurityQos               SecurityQoS
	_                         uint32
	ClientToken               Addr // a Token
	DirectlyAccessClientToken uint8
	DirectAccessEffectiveOnly uint8
	ServerIsRemote            uint8
	_                         [5]uint8
	ClientTokenControl        [5]uint64
}

// Port kinds: the low nibble of PortObject.Flags, and the flags above it (spec a.2).
const (
	PortConnection    = 1
	PortUnconnected   = 2
	PortServerComm    = 3
	PortClientComm    = 4
	PortKindMask      = 0xf
	PortDeleted       = 0x10000000
	PortWaitable      = 0x20000000
	PortNameDeleted   = 0x40000000
	PortDynamicTracks = 0x80000000
)

// PortObject is NT's LPCP_PORT_OBJECT: the first 0x100 bytes are NT's 64-bit
// fields, what an operator wants and NT lacked follows.
type PortObject struct {
	ConnectionPort          Addr // a connection port: itself
	ConnectedPort           Addr // the other end where both are in this process, else 0
	MsgQueue                PortQueue
	Creator                 wire.ClientID
	ClientSectionBase       uint64
	ServerSectionBase       uint64
	PortContext             uint64
	ClientThread            Addr
	SecurityQos             SecurityQoS
	_                       uint32
	StaticSecurity          SecurityClientContext
	LpcReplyChainHead       ListEntry // of Message.ReplyChain: received, not yet replied
	LpcDataInfoChainHead    ListEntry
	ServerProcess           uint64 // pid; on communication ports MappingProcess
	MaxMessageLength        uint16
	MaxConnectionInfoLength uint16
	Flags                   uint32
	WaitEvent               [3]uint64

	Channel      uint64 // 0x100: the channel's number, alike at both ends: the memfd's inode
	PeerProcess  uint64 // the other end's pid, from the kernel
	PeerUID      uint32
	PeerGID      uint32
	HandleCount  uint32
	PointerCount uint32
	Handle       uint32
	Connections  uint32 // connection port: connections now
	QueueLength  uint32 // messages on MsgQueue
	InProgress   uint32 // calls received and not yet replied
	Calls        uint64 // received since creation
	Datagrams    uint64
	Failures     uint64 // connections ended by a protocol error, calls refused
	Created      uint64 // ticks
	ServerThread Addr   // the thread that receives now
	Name         Addr   // text of the name, NameLength bytes; connection ports only
	NameLength   uint64
	MaxWorkers   uint32 // handlers at once: who is queued waits only while all of them run
	_            uint32

	MaxSectionBytes uint64 // connection port: section memory that one uid may be granted
}

// Message states.
const (
	MessageFree     = 0
	MessageQueued   = 1 // on MsgQueue
	MessageServed   = 2 // a handler has it
	MessageDeferred = 3 // the handler returned, the reply is still to come
)

// Message is NT's LPCP_MESSAGE (spec c.4) with its data behind it, and then
// what an operator wants: which channel, slot and generation the reply goes to.
type Message struct {
	Entry          ListEntry // on the port's MsgQueue
	SenderPort     Addr      // the communication port of the connection it came through
	RepliedTo      Addr      // NT's RepliedToThread
	PortContext    uint64
	Request        wire.PortMessage
	Data           [wire.MaxInline]byte
	ReplyChain     ListEntry // 0x180: on SenderPort's LpcReplyChainHead
	ServerThread   Addr      // the Thread that serves it
	Channel        uint64
	Generation     uint64
	Slot           uint32
	State          uint32
	Index          uint32 // of the record among its port's
	_              uint32
	ReceiveTime    uint64 // ticks
	ServeTime      uint64 // ticks
	SectionAddress uint64 // larger data: wire.SectionAddress in the connection
	SectionLength  uint64 // its bytes
}

// Thread flags.
const (
	ThreadReceivedValid = 1 // NT's LpcReceivedMsgIdValid
	ThreadExitCalled    = 2 // NT's LpcExitThreadCalled
)

// Wait reasons, NT's numbers (spec kd 1.2).
const (
	WaitNone       = 0
	WaitLpcReceive = 0x10
	WaitLpcReply   = 0x11
)

// Thread holds what NT's ETHREAD says of LPC, for a thread or a goroutine that
// stands for one. While it waits, it names the call that it waits in.
type Thread struct {
	Cid                  wire.ClientID
	LpcReplyChain        ListEntry
	LpcWaitingOnPort     Addr // the port that the request was sent through
	LpcReplyMessageID    uint32
	LpcReceivedMessageID uint32
	SameThreadApcFlags   uint32
	WaitReason           uint32
	WaitStart            uint64 // ticks
	WaitChannel          uint64 // where the reply will come: channel,
	WaitGeneration       uint64 // generation and
	WaitSlot             uint32 // slot
	WaitDirection        uint32 // 0: a client's slot, 1: a server's
	Serving              Addr   // the Message that this thread serves
	Parent               Addr   // the Message that was served when the call it waits in was sent, 0: none or not known
	ParentID             uint32 // its MessageID
	ParentKnown          uint32 // 1: Parent says all; 0: a parent may exist that nobody named
	CallArguments        [4]uint64
	CallName             [32]byte
	ServerPort           Addr // the connection port that this thread serves, 0: none
	Stack                Addr // a Stack: where the call it waits in was made, 0: not recorded
	ImpersonationInfo    Addr // an ImpersonationInformation, 0: it is itself
}

// ImpersonationInformation is NT's PS_IMPERSONATION_INFORMATION: as whom a thread acts.
type ImpersonationInformation struct {
	Token              Addr // a Token
	CopyOnOpen         uint8
	EffectiveOnly      uint8
	_                  [2]uint8
	ImpersonationLevel uint32 // NT's SECURITY_IMPERSONATION_LEVEL
}

// Stack is a Go stack, innermost caller first, without the library's own functions.
type Stack struct {
	Count  uint32 // of Frames, 0: not waiting
	_      uint32
	Frames [maxFrames]Addr // of Frame
}

const maxFrames = 30

// Frame is one place in a program's code. It stays for good: stacks share it.
type Frame struct {
	PC       uint64
	Line     uint32
	_        uint32
	Function [112]byte // its end, where it is longer
	File     [128]byte // its end, where it is longer
}

// Why a message failed: FailedMessage.Cause. The numbers are never used for another.
const (
	FailedIdentity  = 1  // refused: the caller's identity is not admitted
	FailedRefused   = 2  // refused by the server's program
	FailedLimit     = 3  // refused: a limit on connections
	FailedCancelled = 4  // the caller gave up
	FailedDeadline  = 5  // the caller's deadline passed
	FailedTooLarge  = 6  // Length bytes, the limit is Limit
	FailedLost      = 7  // a reply for which nobody waited
	FailedMismatch  = 8  // a reply to a request that was replied to
	FailedPeerDied  = 9  //
	FailedClosed    = 10 // the connection was closed
	FailedNoReply   = 11 // the handler gave no reply, or there is none
	FailedQuota     = 12 // a quota is used up
	FailedProtocol  = 13 // the peer broke the protocol
	FailedDeadlock  = 14 // refused: the call would have waited for itself
)

// FailedMessage is a message, or a connection request, that failed.
type FailedMessage struct {
	Time        uint64 // ticks
	MessageID   uint32 // 0: a connection request, or a message that failed before it had one
	Cause       uint32 // FailedIdentity and so on
	Length      uint64 // FailedTooLarge: bytes
	Limit       uint64 // and what is allowed
	PeerProcess uint64 // the other end's pid, 0: not known
	Port        [72]byte
}

// FailedRing holds the last FailedMessages of a process. The newest is at
// (Written-1) modulo their number.
type FailedRing struct {
	Written uint64 // so far
	_       uint64
	Entries [64]FailedMessage
}

// Section describes memory shared with a peer.
type Section struct {
	Port    Addr   // the communication port it belongs to
	Number  uint32 // in its connection
	Mine    uint32 // 1: this process allocates in it, 0: the peer does
	Base    uint64 // where it is mapped in this process
	Size    uint64 // bytes
	Used    uint64 // bytes that were asked for, 0: free
	Blocks  uint64 // allocations now: it is used whole, so 0 or 1
	UserTag Tag    // of who allocated it last, 0: nobody has
	_       uint32
	Allocs  uint64 // with that tag, and
	Frees   uint64 // likewise: those that its Tracker does not count yet
	Stack   Addr   // a Stack: where it was allocated, 0: not recorded
}

// Tracker counts the allocations with one tag since the process began, as NT's
// POOL_TRACKER_TABLE does.
type Tracker struct {
	Key         Tag // 0: the entry is free
	_           uint32
	Allocs      uint64 // of blocks of the pool
	Frees       uint64
	Bytes       uint64 // in allocated blocks, their headers included
	Failures    uint64 // allocations that failed
	LargeAllocs uint64 // of sections, those aside that their records count
	LargeFrees  uint64
	_           uint64
}

// TrackerTable is a block of trackers, filled from the front; tables are chained by
// Next.
type TrackerTable struct {
	Next    Addr
	Count   uint32 // in use
	_       uint32
	Entries [trackersPerTable]Tracker
}

const trackersPerTable = 31 // with both headers 2 KiB

// Token is a peer's identity as the kernel told it.
type Token struct {
	ProcessID  uint32
	UID        uint32
	GID        uint32
	GroupCount uint32 // how many, also those that have no room below
	Groups     [28]uint32
}

// HandleEntry is one handle: its number is the entry's index times 4.
type HandleEntry struct {
	Object        Addr // 0: free
	GrantedAccess uint32
	_             uint32
}

// HandleTable is a block of handles; tables are chained by Next.
type HandleTable struct {
	Next    Addr
	First   uint32 // index of Entries[0]
	Count   uint32 // in use
	Entries [handlesPerTable]HandleEntry
}

const handlesPerTable = 61 // with both headers 1 KiB

// PortAllAccess is PORT_ALL_ACCESS.
const PortAllAccess = 0x1f0001
