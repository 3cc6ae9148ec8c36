package channel

import "github.com/seed-eedd8485/lpc/wire"

// The layout of version 1. Every number stands in PROTOCOL.md and in a test.
const (
	Magic   = 0x314e41484343504c // "LPCCHAN1"
	Version = 1

	ringSize = 256 // request ring entries, both directions: slots and cells together fit
	hintSize = 128 // reply ring entries
	maxSlots = 128
	maxCells = 128

	slotStride = 0x180
	lineSize   = 64
)

// area says where the parts of one direction stand in the channel and how many
// it has.
type area struct {
	lines, ring, hints, slots, cells int // offsets, bytes
	nslots, ncells                   int
}

// The two directions. The first slots of the client's share the first page with
// the header and the rings, so that an idle connection that made its calls one at
// a time holds one page; slots are taken lowest first.
var (
	clientToServer = area{lines: 0x080, ring: 0x280, hints: 0x680, slots: 0x880, cells: 0xd000, nslots: 128, ncells: 128}
	serverToClient = area{lines: 0x180, ring: 0x19000, hints: 0x19400, slots: 0x19600, cells: 0x20000, nslots: 64, ncells: 64}
)

// Size of a channel, bytes.
const Size = 0x26000

// firstPageSlots: so many of the client's slots stand in the first page.
const firstPageSlots = (0x1000 - 0x880) / slotStride

// header opens the channel. It tells a debugger what this is; neither end reads
// it after the handshake.
type header struct {
	Magic   uint64
	Version uint32
	Size    uint32
	Channel uint64 // the channel's number
	Server  uint32 // pid of who made it
	_       uint32
	_       [4]uint64
}

// callerLine is written by the calling end of a direction: who of it sleeps.
type callerLine struct {
	Sleep uint32 // the leader of the callers: awake, sleepFutex or sleepBell
	Room  uint32 // a sender of datagrams waits for room: the same values
	_     [14]uint32
}

// receiverLine is written by the receiving end, and by the calling end when it
// takes the announcement to wake the receiver.
type receiverLine struct {
	State uint32 // recvArmed and its sisters
	_     [15]uint32
}

// progressLine is written by the receiving end: how far it has come.
type progressLine struct {
	Head  uint32 // ring entries taken; counted like ring positions
	Cells uint32 // datagram cells that may be written again
	_     [14]uint32
}

// repliesLine is written by the receiving end.
type repliesLine struct {
	Tail uint32 // hints written or being written
	_    [15]uint32
}

// lines of one direction, each on a cache line of its own.
type lines struct {
	caller   callerLine
	receiver receiverLine
	progress progressLine
	replies  repliesLine
}

// slot is the place of one call: the request, then in its place the reply.
type slot struct {
	Word   uint64 // generation << 3 | state: the truth of completion
	CPU    uint32 // the processor of who wrote last, plus one
	Status uint32 // of a reply: wire.Status
	Msg    wire.PortMessage
	Data   [wire.MaxInline]byte
	_      [0x18]byte
}

// cell is the place of one datagram.
type cell struct {
	_   uint64
	CPU uint32
	_   uint32
	Msg wire.PortMessage

	Data [wire.MaxInline]byte
	_    [0x18]byte
}

// States of a slot's word.
const (
	stFree      = 0 // nobody's: the caller may take it
	stWaiting   = 1 // a request stands in it, or is being served
	stDone      = 2 // the reply stands in it
	stAbandoned = 3 // the caller gave up; the receiver gives it back when it notices
	stLost      = 4 // the caller gave up because the receiver is gone
	stDetached  = 5 // a datagram with a section: nobody waits, the receiver gives it back

	genShift  = 3
	stateMask = 7
)

// States of a receiver. Zero is armed: nobody polls a channel that is new.
const (
	recvArmed = 0 // nobody polls: ring the doorbell
	recvAwake = 1 // somebody polls, or runs a handler and will poll then
	recvFutex = 2 // parked in a futex on this word
)

// Values of callerLine.Sleep and Room.
const (
	sleepFutex = 1 // parked in a futex on this word
	sleepBell  = 2 // parked in Go: ring the doorbell
)

// Ring entries: lap << 16 | kind << 12 | index.
const (
	kindRequest  = 1 // index of a slot
	kindDatagram = 2 // index of a cell
	kindDetached = 3 // index of a slot
)

func entry(pos uint32, kind, index int) uint32 {
	return pos/ringSize<<16 | uint32(kind)<<12 | uint32(index)
}

// firstPos is the first ring position: lap 1, so that a ring of zeros is empty.
const firstPos = ringSize

func hint(pos uint32, index int) uint32 { return pos/hintSize<<16 | uint32(index) }

const firstHint = hintSize
