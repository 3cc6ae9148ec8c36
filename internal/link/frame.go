package link

import (
	"encoding/binary"
	"fmt"

	"github.com/seed-eedd8485/lpc/wire"
)

// Kind is what a frame is for; the numbers are the protocol's.
type Kind uint8

// The kinds of frames (PROTOCOL.md, "Frames").
const (
	Connect  Kind = 1 // client: let me in
	Accept   Kind = 2 // server: here is the channel
	Refuse   Kind = 3 // server: no
	Grow     Kind = 4 // client: make me a section
	Section  Kind = 5 // server: here is one
	Deny     Kind = 6 // server: no section
	Close    Kind = 7 // either: I end this connection, and why
	Identity Kind = 9 // client: who the thread is that a server asks for, with SCM_CREDENTIALS
	View     Kind = 8 // either, in the handshake: a view of my section; or where I have mapped yours
)

func (k Kind) String() string {
	names := [...]string{"", "CONNECT", "ACCEPT", "REFUSE", "GROW", "SECTION", "DENY", "CLOSE", "VIEW", "IDENTITY"}
	if int(k) < len(names) && k != 0 {
		return names[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Reasons in Refuse, Deny and Close frames. Stable numbers.
const (
	ReasonNone      = 0 // the program asked for it
	ReasonDenied    = 1 // the caller's identity is not admitted
	ReasonBusy      = 2 // a limit on connections is reached
	ReasonVersion   = 3 // the versions do not fit
	ReasonViolation = 4 // the peer broke the protocol; the text says how
	ReasonQuota     = 5 // a limit on section memory, views or descriptors is reached
	ReasonTooLarge  = 6 // larger than the port's largest message
	ReasonMemory    = 7 // the system gave no memory
)

// Flags in Connect and Accept frames.
const (
	FlagServes   = 1 // this end serves requests from the other
	FlagNative   = 2 // Accept: Number is the port's MaxMessageLength
	FlagWaitable = 4 // Accept: the port is waitable, and so is the client's end
	// Connect: how far the server may go with the client's identity (NT's
	// SECURITY_QUALITY_OF_SERVICE), where FlagQoS is set.
	FlagQoS           = 0x10
	FlagDynamic       = 0x20
	FlagEffectiveOnly = 0x40
	FlagForks         = 0x80 // Connect, Accept: the sender's process forks, see Forks
	FlagLevelShift    = 8    // and the level, 2 bits
)

const (
	frameMagic = 0x3143504c // "LPC1"
	headSize   = 40
	flagsAt    = 6                // offset of the flags, little endian
	maxText    = wire.MaxConnInfo // connection information, or the text of a reason
	// MaxFrame is the largest packet on a control socket, bytes.
	MaxFrame = headSize + maxText
)

// Version is the version of handshake and channel.
const Version = 1

// A Frame is one packet of the control socket. Fields that a kind does not use are 0.
type Frame struct {
	Kind    Kind
	Reason  uint8
	Flags   uint16
	Number  uint32       // Grow, Section, Deny: the grow's number. Connect: its MessageId. Accept: with FlagNative the port's MaxMessageLength. Close: the thread that closes
	Section uint32       // Section: the section's number in the connection. Connect: the asking thread
	Value   uint64       // Connect, Accept: largest message. Grow, Section: size in bytes
	Channel uint64       // Accept: the channel's number. View: the section's size, or the address
	Cred    *Credentials // Identity, as received: whom the kernel says that the sender is
	Text    []byte       // connection information, or why; at most wire.MaxConnInfo bytes
}

// Credentials are who sent a packet, as the kernel says (unix(7), SCM_CREDENTIALS).
type Credentials struct {
	PID      int
	UID, GID uint32
}

// append encodes f.
func (f *Frame) append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, frameMagic)
	b = append(b, byte(f.Kind), f.Reason)
	b = le.AppendUint16(b, f.Flags)
	b = le.AppendUint16(b, Version)
	b = le.AppendUint16(b, uint16(len(f.Text)))
	b = le.AppendUint32(b, f.Number)
	b = le.AppendUint32(b, f.Section)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, f.Value)
	b = le.AppendUint64(b, f.Channel)
	return append(b, f.Text...)
}

// parse decodes a packet that is not a doorbell. Text is a part of b.
func parse(b []byte) (f Frame, err error) {
	le := binary.LittleEndian
	switch {
	case len(b) < headSize:
		return f, fmt.Errorf("frame of %d bytes, want at least %d", len(b), headSize)
	case le.Uint32(b) != frameMagic:
		return f, fmt.Errorf("frame begins with %#08x, want %#08x", le.Uint32(b), uint32(frameMagic))
	case le.Uint16(b[8:]) != Version:
		return Frame{Kind: Kind(b[4])}, &VersionError{Got: le.Uint16(b[8:])}
	case int(le.Uint16(b[10:])) != len(b)-headSize || len(b) > MaxFrame:
		return f, fmt.Errorf("frame of %d bytes says %d bytes of text, want %d and at most %d", len(b), le.Uint16(b[10:]), len(b)-headSize, maxText)
	case b[4] < byte(Connect) || b[4] > byte(Identity):
		return f, fmt.Errorf("frame of unknown kind %d", b[4])
	}
	return Frame{
		Kind: Kind(b[4]), Reason: b[5], Flags: le.Uint16(b[6:]), Number: le.Uint32(b[12:]), Section: le.Uint32(b[16:]),
		Value: le.Uint64(b[24:]), Channel: le.Uint64(b[32:]), Text: b[headSize:],
	}, nil
}

// VersionError: the peer speaks another version of the protocol.
type VersionError struct{ Got uint16 }

func (e *VersionError) Error() string {
	return fmt.Sprintf("peer speaks version %d of the protocol, this side %d", e.Got, Version)
}
