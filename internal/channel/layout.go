package channel

import (
	"sync/atomic"

	"github.com/seed-eedd8485/lpc/wire"
)

// The layout of version 1. Every number stands in PROTOCOL.md and in a test.
const (
	Magic   = 0x314e41484343504c // "LPCCHAN1"
	Version = 1

	ringSize = 256 // request ring entries, both directions: those of all slots and cells fit, and one that is still to be passed (Receiver.ahead)
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
	clientToServer = area{lines: 0x080, ring: 0x280, hints: 0x680, slots: 0x880, cells: 0xd000, nslots: 127, ncells: 128}
	serverToClient = area{lines: 0x180, ring: 0x19000, hints: 0x19400, slots: 0x19600, cells: 0x20000, nslots: 64, ncells: 64}
)

// Size of a channel, bytes.
const Size = 0x26000

// MostSlots: no direction has more.
const MostSlots = maxSlots

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
	Gone  uint32 // 1: the receiving end has closed the connection, and said so on the socket
	_     [14]uint32
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

// slot is the place of one call, the request and then in its place the reply, or of
// one datagram (a cell), which has no use for the word.
//
// It holds what the receiver of a PORT_MESSAGE cannot know itself, in the fewest
// bytes: a message of up to 32 bytes is then one cache line, and crosses from one
// processor to the other as one. The receiver makes the PORT_MESSAGE of it.
type slot struct {
	Word     uint64 // generation << 3 | state: the truth of completion
	Meta     uint64 // meta
	Sender   uint64 // MessageId, and the thread's number << 32
	Callback uint64 // CallbackId
	Data     [wire.MaxInline]byte
	_        [0x30]byte
}

// nearData: so many bytes of data stand in a slot's first line.
const nearData = lineSize - 0x20

// meta is a slot's second word: the writer's processor plus one (bits 0 to 15); of a
// request the low half of its ring position, of a reply its status (16 to 31); the
// bytes of data (32 to 47); flags (48 to 63).
type meta uint64

// Flags in a meta.
const (
	flagInfo          = 1 // the data is a PORT_DATA_INFORMATION: it stands in a section
	flagNoImpersonate = 2 // LPC_NO_IMPERSONATE
	flagControl       = 4 // for the engine at the other end, not for its program

	knownFlags = flagInfo | flagNoImpersonate | flagControl
)

func newMeta(cpu uint32, which uint16, length int, flags uint16) meta {
	return meta(uint16(cpu)) | meta(which)<<16 | meta(length)<<32 | meta(flags)<<48
}

func (m meta) cpu() uint32         { return uint32(uint16(m)) }
func (m meta) place() uint16       { return uint16(m >> 16) }
func (m meta) status() wire.Status { return wire.Status(uint16(m >> 16)) }
func (m meta) length() int         { return int(uint16(m >> 32)) }
func (m meta) flags() uint16       { return uint16(m >> 48) }
func (m meta) info() bool          { return m.flags()&flagInfo != 0 }

// check tells what no end writes that follows the protocol.
func (m meta) check() error {
	switch {
	case m.length() > wire.MaxInline:
		return violation("message header: data length %d is over the limit of %d bytes", m.length(), wire.MaxInline)
	case m.flags()&^knownFlags != 0:
		return violation("message header: flags %#x, known are %#x", m.flags(), knownFlags)
	case m.info() && m.length() != wire.DataInfoSize:
		return violation("message header: data info with %d bytes of data, want %d", m.length(), wire.DataInfoSize)
	}
	return nil
}

// meta loads the second word, once: what it returns is the copy that is checked and used.
func (s *slot) meta() meta { return meta(atomic.LoadUint64(&s.Meta)) }

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
