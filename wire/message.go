package wire

import "fmt"

// ClientID is NT's CLIENT_ID: the process and the thread that sent a message.
//
// UniqueProcess is the pid as the kernel told it to the receiver. UniqueThread
// is the sender's word: a Linux tid, or a number from FirstSyntheticThread up
// for a goroutine that stands for a thread.
type ClientID struct {
	UniqueProcess uint64
	UniqueThread  uint64
}

// FirstSyntheticThread is the first thread number that no Linux thread can
// have: the kernel's largest pid_max is 2^22 (proc(5), /proc/sys/kernel/pid_max).
const FirstSyntheticThread = 1 << 22

// PortMessage is NT's PORT_MESSAGE on a 64-bit system: HeaderSize bytes, with
// DataLength bytes of data directly behind it.
type PortMessage struct {
	DataLength     uint16 // bytes of data behind the header, at most MaxInline
	TotalLength    uint16 // header and data, bytes
	Type           uint16 // one of the Type constants, low byte; flags above
	DataInfoOffset uint16 // 0, or where in the message a DataInfo stands, from the header's start
	ClientID       ClientID
	MessageID      uint32 // never 0; a reply carries its request's
	_              uint32
	CallbackID     uint64 // 0, or the callback's number; in a connection request NT's ClientViewSize
}

// Sizes of a message, in bytes (spec: the 64-bit header with NT's x86 data limit).
const (
	HeaderSize   = 0x28
	MaxInline    = 0x130                  // 304: more data stands in a section
	MaxMessage   = HeaderSize + MaxInline // 0x158
	MaxConnInfo  = 0x104                  // 260: connection information, each way
	DefaultLimit = 1 << 30                // largest data of one message unless the port says otherwise
)

// Message types, NT's numbers.
const (
	TypeNew               = 0 // supplied by a user, never seen on a queue
	TypeRequest           = 1 // wants a reply; with a CallbackID a request to a waiting client
	TypeReply             = 2
	TypeDatagram          = 3
	TypeLostReply         = 4
	TypePortClosed        = 5 // made by the receiver's side only
	TypeClientDied        = 6 // made by the receiver's side only
	TypeException         = 7
	TypeDebugEvent        = 8
	TypeErrorEvent        = 9
	TypeConnectionRequest = 10

	TypeMask             = 0x00ff
	FlagNoImpersonate    = 0x4000
	FlagKernelModeOrigin = 0x8000 // never taken from a peer
)

var typeNames = [...]string{
	"LPC_NEW_MESSAGE", "LPC_REQUEST", "LPC_REPLY", "LPC_DATAGRAM", "LPC_LOST_REPLY", "LPC_PORT_CLOSED",
	"LPC_CLIENT_DIED", "LPC_EXCEPTION", "LPC_DEBUG_EVENT", "LPC_ERROR_EVENT", "LPC_CONNECTION_REQUEST",
}

// TypeName is the NT name of a message type; the flag bits are ignored.
func TypeName(t uint16) string {
	if n := int(t & TypeMask); n < len(typeNames) {
		return typeNames[n]
	}
	return fmt.Sprintf("LPC_TYPE_%d", t&TypeMask)
}

// DataInfo is NT's PORT_DATA_INFORMATION with one entry: where data larger than
// MaxInline stands. Base is SectionAddress of the view, DataLength its bytes.
type DataInfo struct {
	Count      uint32 // always 1
	_          uint32
	Base       uint64
	DataLength uint64
}

// DataInfoSize is the size of a DataInfo in bytes.
const DataInfoSize = 0x18

// Fours rounds a number of bytes up to a multiple of 4, in which NT copies messages;
// MaxInline is one.
func Fours(n int) int { return (n + 3) &^ 3 }

// SectionAddress packs a section's number within its connection and an offset
// into it, as DataInfo.Base carries them.
func SectionAddress(section uint32, off uint64) uint64 { return uint64(section)<<40 | off }

// SplitSectionAddress undoes SectionAddress.
func SplitSectionAddress(a uint64) (section uint32, off uint64) {
	return uint32(a >> 40), a & (1<<40 - 1)
}

// Check tells whether the lengths of a copied header agree with each other and
// with the limits. It must be given a copy: the original may change under it.
func (m *PortMessage) Check() error {
	switch {
	case m.DataLength > MaxInline:
		return fmt.Errorf("data length %d is over the limit of %d bytes", m.DataLength, MaxInline)
	case m.TotalLength != m.DataLength+HeaderSize:
		return fmt.Errorf("total length %d is not data length %d and a header of %d", m.TotalLength, m.DataLength, HeaderSize)
	case m.DataInfoOffset != 0 && (m.DataInfoOffset != HeaderSize || m.DataLength != DataInfoSize):
		return fmt.Errorf("data info at offset %d with %d bytes of data, want offset %d and %d bytes", m.DataInfoOffset, m.DataLength, HeaderSize, DataInfoSize)
	}
	return nil
}
