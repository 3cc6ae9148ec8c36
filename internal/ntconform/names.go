package ntconform

import "github.com/seed-eedd8485/lpc/nt"

// Statuses by the names that the reference uses.
const (
	success          = nt.StatusSuccess
	timeout          = nt.StatusTimeout
	misaligned       = nt.StatusDatatypeMisalignment
	partialCopy      = nt.StatusPartialCopy
	badInfoClass     = nt.StatusInvalidInfoClass
	accessViolation  = nt.StatusAccessViolation
	invalidHandle    = nt.StatusInvalidHandle
	invalidCID       = nt.StatusInvalidCID
	invalidParameter = nt.StatusInvalidParameter
	accessDenied     = nt.StatusAccessDenied
	typeMismatch     = nt.StatusObjectTypeMismatch
	tooLong          = nt.StatusPortMessageTooLong
	nameInvalid      = nt.StatusObjectNameInvalid
	nameNotFound     = nt.StatusObjectNameNotFound
	nameCollision    = nt.StatusObjectNameCollision
	pathNotFound     = nt.StatusObjectPathNotFound
	disconnected     = nt.StatusPortDisconnected
	refused          = nt.StatusPortConnectionRefused
	invalidPort      = nt.StatusInvalidPortHandle
	terminating      = nt.StatusThreadIsTerminating
	invalidSID       = nt.StatusInvalidSID
	noResources      = nt.StatusInsufficientResources
	badLevel         = nt.StatusBadImpersonationLevel
	parameter3       = nt.StatusInvalidParameter3
	parameter4       = nt.StatusInvalidParameter4
	mismatch         = nt.StatusReplyMessageMismatch
	replyLost        = nt.StatusLPCReplyLost
	sidMismatch      = nt.StatusServerSIDMismatch
	portClosed       = nt.StatusPortClosed
	notSupported     = nt.StatusNotSupported
)
