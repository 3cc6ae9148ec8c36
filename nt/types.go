package nt

import (
	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/security/access"
	"github.com/seed-eedd8485/lpc/wire"
)

// Handle is a number in the process's handle table, a multiple of 4; 0 is none. It
// is the number that a debugger shows. It means nothing in another process.
type Handle uintptr

// ClientID is NT's CLIENT_ID: which thread of which process sent a message.
type ClientID = wire.ClientID

// Sizes, bytes (lpc reference c.9: the 64-bit header with the limits that XP has
// for x86).
const (
	HeaderSize         = wire.HeaderSize  // of a PORT_MESSAGE
	MaxDataLength      = wire.MaxInline   // 0x130
	MaxMessageLength   = wire.MaxMessage  // 0x158
	MaxConnectionInfo  = wire.MaxConnInfo // 0x104
	PortViewSize       = 0x30
	RemotePortViewSize = 0x18
)

// PortMessage is NT's PORT_MESSAGE, 64-bit layout: HeaderSize bytes. CallbackID is
// the union with ClientViewSize: of a connection request it is the size of the client's
// view.
type PortMessage = wire.PortMessage

// Message is a PORT_MESSAGE with room for the largest data behind it: what a C
// program declares as a union of both. The calls take a pointer to one, and never
// keep it.
type Message struct {
	PortMessage
	Body [MaxDataLength]byte
}

// SetData makes data the message's data and sets both lengths. It panics if data is
// longer than MaxDataLength.
func (m *Message) SetData(data []byte) {
	if len(data) > MaxDataLength {
		panic("nt: message data longer than MaxDataLength")
	}
	copy(m.Body[:], data)
	m.DataLength, m.TotalLength = uint16(len(data)), uint16(len(data)+HeaderSize)
}

// Data is the message's data, a part of m.
func (m *Message) Data() []byte { return m.Body[:min(int(m.DataLength), MaxDataLength)] }

// Types of messages (lpc reference c.8) and the bits above them.
const (
	LPCNewMessage        = wire.TypeNew
	LPCRequest           = wire.TypeRequest
	LPCReply             = wire.TypeReply
	LPCDatagram          = wire.TypeDatagram
	LPCLostReply         = wire.TypeLostReply
	LPCPortClosed        = wire.TypePortClosed
	LPCClientDied        = wire.TypeClientDied
	LPCException         = wire.TypeException
	LPCDebugEvent        = wire.TypeDebugEvent
	LPCErrorEvent        = wire.TypeErrorEvent
	LPCConnectionRequest = wire.TypeConnectionRequest

	LPCKernelModeMessage = wire.FlagKernelModeOrigin
	LPCNoImpersonate     = wire.FlagNoImpersonate
)

// PortView is NT's PORT_VIEW: a view of its maker's section at both ends.
type PortView struct {
	Length         uint32 // PortViewSize
	SectionHandle  Handle
	SectionOffset  uint32
	ViewSize       uint64  // in: 0 is to the section's end; out: whole pages
	ViewBase       uintptr // out: in this process
	ViewRemoteBase uintptr // out: in the other one
}

// RemotePortView is NT's REMOTE_PORT_VIEW: the other end's view in this process.
type RemotePortView struct {
	Length   uint32 // RemotePortViewSize
	ViewSize uint64
	ViewBase uintptr
}

// show makes it the view, which nil is none.
func (v *RemotePortView) show(s *section.Section) {
	v.ViewBase, v.ViewSize = 0, 0
	if s != nil {
		v.ViewBase, v.ViewSize = s.Base(), uint64(s.Size())
	}
}

// SecurityQualityOfService is NT's SECURITY_QUALITY_OF_SERVICE.
type SecurityQualityOfService struct {
	Length              uint32 // 12
	ImpersonationLevel  uint32
	ContextTrackingMode uint8
	EffectiveOnly       uint8
}

// Impersonation levels and tracking modes.
const (
	SecurityAnonymous      = 0
	SecurityIdentification = 1
	SecurityImpersonation  = 2
	SecurityDelegation     = 3

	SecurityStaticTracking  = 0
	SecurityDynamicTracking = 1
)

// ObjectAttributes is NT's OBJECT_ATTRIBUTES.
type ObjectAttributes struct {
	RootDirectory      Handle             // 0: no other is supported
	ObjectName         *string            // nil or "": an unconnected communication port
	Attributes         uint32             // OBJ_CASE_INSENSITIVE is always on; others are ignored
	SecurityDescriptor *access.Descriptor // nil: the owner and root. A NULL DACL admits everyone
}

// ObjCaseInsensitive is OBJ_CASE_INSENSITIVE.
const ObjCaseInsensitive = 0x40

// DataInfoEntry is one range of a data-info array (lpc reference c.3): memory of the
// sender that the server may read and write while the sender waits.
type DataInfoEntry struct {
	Base       uintptr
	DataLength uint64
}

// PortAllAccess is what the calls that make a port handle grant.
const PortAllAccess = 0x1F0001
