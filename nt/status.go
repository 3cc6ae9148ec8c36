package nt

import "fmt"

// Status is NT's NTSTATUS. It is an error whose text is the symbolic name; only
// StatusSuccess is zero. A Status above 0x80000000 is a failure, the others
// (StatusTimeout, StatusUserAPC) are outcomes: see [Status.Failed].
type Status uint32

// The statuses that the calls of this package give (lpc reference b.1).
const (
	StatusSuccess               Status = 0x00000000
	StatusUserAPC               Status = 0x000000C0
	StatusAlerted               Status = 0x00000101
	StatusTimeout               Status = 0x00000102
	StatusMessageRetrieved      Status = 0x4000002E
	StatusDatatypeMisalignment  Status = 0x80000002
	StatusPartialCopy           Status = 0x8000000D
	StatusUnsuccessful          Status = 0xC0000001
	StatusNotImplemented        Status = 0xC0000002
	StatusInvalidInfoClass      Status = 0xC0000003
	StatusInfoLengthMismatch    Status = 0xC0000004
	StatusAccessViolation       Status = 0xC0000005
	StatusInvalidHandle         Status = 0xC0000008
	StatusInvalidCID            Status = 0xC000000B
	StatusInvalidParameter      Status = 0xC000000D
	StatusNoMemory              Status = 0xC0000017
	StatusConflictingAddresses  Status = 0xC0000018
	StatusNotMappedView         Status = 0xC0000019
	StatusInvalidViewSize       Status = 0xC000001F
	StatusAccessDenied          Status = 0xC0000022
	StatusBufferTooSmall        Status = 0xC0000023
	StatusObjectTypeMismatch    Status = 0xC0000024
	StatusInvalidPortAttributes Status = 0xC000002E
	StatusPortMessageTooLong    Status = 0xC000002F
	StatusObjectNameInvalid     Status = 0xC0000033
	StatusObjectNameNotFound    Status = 0xC0000034
	StatusObjectNameCollision   Status = 0xC0000035
	StatusPortDoNotDisturb      Status = 0xC0000036
	StatusPortDisconnected      Status = 0xC0000037
	StatusObjectPathNotFound    Status = 0xC000003A
	StatusSectionTooBig         Status = 0xC0000040
	StatusPortConnectionRefused Status = 0xC0000041
	StatusInvalidPortHandle     Status = 0xC0000042
	StatusInvalidPageProtection Status = 0xC0000045
	StatusPortAlreadySet        Status = 0xC0000048
	StatusThreadIsTerminating   Status = 0xC000004B
	StatusInvalidOwner          Status = 0xC000005A
	StatusInvalidSID            Status = 0xC0000078
	StatusInvalidSecurityDescr  Status = 0xC0000079
	StatusInsufficientResources Status = 0xC000009A
	StatusBadImpersonationLevel Status = 0xC00000A5
	StatusNotSupported          Status = 0xC00000BB
	StatusInvalidParameter2     Status = 0xC00000F0
	StatusInvalidParameter3     Status = 0xC00000F1
	StatusInvalidParameter4     Status = 0xC00000F2
	StatusMessageNotFound       Status = 0xC0000109
	StatusReplyMessageMismatch  Status = 0xC000021F
	StatusMappedAlignment       Status = 0xC0000220
	StatusLPCReplyLost          Status = 0xC0000253
	StatusServerSIDMismatch     Status = 0xC00002A0
	StatusPortClosed            Status = 0xC0000700
)

var statusNames = map[Status]string{
	StatusSuccess: "STATUS_SUCCESS", StatusUserAPC: "STATUS_USER_APC", StatusAlerted: "STATUS_ALERTED",
	StatusTimeout: "STATUS_TIMEOUT", StatusMessageRetrieved: "STATUS_MESSAGE_RETRIEVED",
	StatusDatatypeMisalignment: "STATUS_DATATYPE_MISALIGNMENT", StatusPartialCopy: "STATUS_PARTIAL_COPY",
	StatusUnsuccessful: "STATUS_UNSUCCESSFUL", StatusNotImplemented: "STATUS_NOT_IMPLEMENTED",
	StatusInvalidInfoClass: "STATUS_INVALID_INFO_CLASS", StatusInfoLengthMismatch: "STATUS_INFO_LENGTH_MISMATCH", StatusAccessViolation: "STATUS_ACCESS_VIOLATION",
	StatusInvalidHandle: "STATUS_INVALID_HANDLE", StatusInvalidCID: "STATUS_INVALID_CID",
	StatusInvalidParameter: "STATUS_INVALID_PARAMETER", StatusNoMemory: "STATUS_NO_MEMORY",
	StatusConflictingAddresses: "STATUS_CONFLICTING_ADDRESSES", StatusNotMappedView: "STATUS_NOT_MAPPED_VIEW",
	StatusInvalidViewSize: "STATUS_INVALID_VIEW_SIZE", StatusAccessDenied: "STATUS_ACCESS_DENIED",
	StatusBufferTooSmall: "STATUS_BUFFER_TOO_SMALL", StatusObjectTypeMismatch: "STATUS_OBJECT_TYPE_MISMATCH",
	StatusInvalidPortAttributes: "STATUS_INVALID_PORT_ATTRIBUTES", StatusPortMessageTooLong: "STATUS_PORT_MESSAGE_TOO_LONG",
	StatusObjectNameInvalid: "STATUS_OBJECT_NAME_INVALID", StatusObjectNameNotFound: "STATUS_OBJECT_NAME_NOT_FOUND",
	StatusObjectNameCollision: "STATUS_OBJECT_NAME_COLLISION", StatusPortDoNotDisturb: "STATUS_PORT_DO_NOT_DISTURB",
	StatusPortDisconnected: "STATUS_PORT_DISCONNECTED", StatusObjectPathNotFound: "STATUS_OBJECT_PATH_NOT_FOUND",
	StatusSectionTooBig: "STATUS_SECTION_TOO_BIG", StatusPortConnectionRefused: "STATUS_PORT_CONNECTION_REFUSED",
	StatusInvalidPortHandle: "STATUS_INVALID_PORT_HANDLE", StatusPortAlreadySet: "STATUS_PORT_ALREADY_SET",
	StatusThreadIsTerminating: "STATUS_THREAD_IS_TERMINATING", StatusInvalidPageProtection: "STATUS_INVALID_PAGE_PROTECTION", StatusInvalidOwner: "STATUS_INVALID_OWNER", StatusInvalidSID: "STATUS_INVALID_SID",
	StatusInvalidSecurityDescr: "STATUS_INVALID_SECURITY_DESCR", StatusInsufficientResources: "STATUS_INSUFFICIENT_RESOURCES",
	StatusBadImpersonationLevel: "STATUS_BAD_IMPERSONATION_LEVEL", StatusNotSupported: "STATUS_NOT_SUPPORTED",
	StatusInvalidParameter2: "STATUS_INVALID_PARAMETER_2", StatusInvalidParameter3: "STATUS_INVALID_PARAMETER_3",
	StatusInvalidParameter4: "STATUS_INVALID_PARAMETER_4", StatusMessageNotFound: "STATUS_MESSAGE_NOT_FOUND",
	StatusReplyMessageMismatch: "STATUS_REPLY_MESSAGE_MISMATCH", StatusMappedAlignment: "STATUS_MAPPED_ALIGNMENT",
	StatusLPCReplyLost: "STATUS_LPC_REPLY_LOST", StatusServerSIDMismatch: "STATUS_SERVER_SID_MISMATCH",
	StatusPortClosed: "STATUS_PORT_CLOSED",
}

// Error is the symbolic name: STATUS_PORT_DISCONNECTED.
func (s Status) Error() string {
	if n, ok := statusNames[s]; ok {
		return n
	}
	return fmt.Sprintf("NTSTATUS 0x%08X", uint32(s))
}

// String is the same.
func (s Status) String() string { return s.Error() }

// Failed tells a failure (severities warning and error) from an outcome.
func (s Status) Failed() bool { return s >= 0x80000000 }

// Err is nil for success, else s.
func (s Status) Err() error {
	if s == StatusSuccess {
		return nil
	}
	return s
}
