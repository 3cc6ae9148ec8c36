package nt

import (
	"github.com/seed-eedd8485/lpc/security/access"
)

func (t *Thread) NtCreatePort(PortHandle *Handle, ObjectAttributes *ObjectAttributes, MaxConnectionInfoLength, MaxMessageLength, MaxPoolUsage uint32) Status {
	return StatusNotImplemented
}

func (t *Thread) NtCreateWaitablePort(PortHandle *Handle, ObjectAttributes *ObjectAttributes, MaxConnectionInfoLength, MaxMessageLength, MaxPoolUsage uint32) Status {
	return StatusNotImplemented
}

func (t *Thread) NtConnectPort(PortHandle *Handle, PortName *string, SecurityQos *SecurityQualityOfService, ClientView *PortView, ServerView *RemotePortView, MaxMessageLength *uint32, ConnectionInformation []byte, ConnectionInformationLength *uint32) Status {
	return StatusNotImplemented
}

func (t *Thread) NtSecureConnectPort(PortHandle *Handle, PortName *string, SecurityQos *SecurityQualityOfService, ClientView *PortView, ServerSid *access.SID, ServerView *RemotePortView, MaxMessageLength *uint32, ConnectionInformation []byte, ConnectionInformationLength *uint32) Status {
	return StatusNotImplemented
}

func (t *Thread) NtListenPort(PortHandle Handle, ConnectionRequest *Message) Status {
	return StatusNotImplemented
}

func (t *Thread) NtAcceptConnectPort(PortHandle *Handle, PortContext uintptr, ConnectionRequest *Message, AcceptConnection bool, ServerView *PortView, ClientView *RemotePortView) Status {
	return StatusNotImplemented
}

func (t *Thread) NtCompleteConnectPort(PortHandle Handle) Status { return StatusNotImplemented }

func (t *Thread) NtRequestPort(PortHandle Handle, RequestMessage *Message) Status {
	return StatusNotImplemented
}

func (t *Thread) NtRequestWaitReplyPort(PortHandle Handle, RequestMessage, ReplyMessage *Message) Status {
	return StatusNotImplemented
}

func (t *Thread) NtReplyPort(PortHandle Handle, ReplyMessage *Message) Status {
	return StatusNotImplemented
}

func (t *Thread) NtReplyWaitReplyPort(PortHandle Handle, ReplyMessage *Message) Status {
	return StatusNotImplemented
}

func (t *Thread) NtReplyWaitReceivePort(PortHandle Handle, PortContext *uintptr, ReplyMessage, ReceiveMessage *Message) Status {
	return StatusNotImplemented
}

func (t *Thread) NtReplyWaitReceivePortEx(PortHandle Handle, PortContext *uintptr, ReplyMessage, ReceiveMessage *Message, Timeout *int64) Status {
	return StatusNotImplemented
}

func (t *Thread) NtImpersonateClientOfPort(PortHandle Handle, Message *Message) Status {
	return StatusNotImplemented
}

func (t *Thread) NtReadRequestData(PortHandle Handle, Message *Message, DataEntryIndex uint32, Buffer []byte, NumberOfBytesRead *uint64) Status {
	return StatusNotImplemented
}

func (t *Thread) NtWriteRequestData(PortHandle Handle, Message *Message, DataEntryIndex uint32, Buffer []byte, NumberOfBytesWritten *uint64) Status {
	return StatusNotImplemented
}

func (t *Thread) NtQueryInformationPort(PortHandle Handle, PortInformationClass uint32, PortInformation []byte, ReturnLength *uint32) Status {
	return StatusNotImplemented
}

func (t *Thread) NtRegisterThreadTerminatePort(PortHandle Handle) Status { return StatusNotImplemented }

func (t *Thread) NtCreateSection(SectionHandle *Handle, DesiredAccess uint32, ObjectAttributes *ObjectAttributes, MaximumSize *int64, SectionPageProtection, AllocationAttributes uint32, FileHandle Handle) Status {
	return StatusNotImplemented
}

func (t *Thread) NtMapViewOfSection(SectionHandle, ProcessHandle Handle, BaseAddress *uintptr, ZeroBits uint64, CommitSize uint64, SectionOffset *int64, ViewSize *uint64, InheritDisposition, AllocationType, Win32Protect uint32) Status {
	return StatusNotImplemented
}

func (t *Thread) NtUnmapViewOfSection(ProcessHandle Handle, BaseAddress uintptr) Status {
	return StatusNotImplemented
}

func (t *Thread) NtDuplicateObject(SourceProcessHandle, SourceHandle, TargetProcessHandle Handle, TargetHandle *Handle, DesiredAccess, HandleAttributes, Options uint32) Status {
	return StatusNotImplemented
}

func (t *Thread) NtClose(Handle Handle) Status { return StatusNotImplemented }

func (t *Thread) NtWaitForSingleObject(Handle Handle, Alertable bool, Timeout *int64) Status {
	return StatusNotImplemented
}

func (t *Thread) NtSetInformationThread(ThreadHandle Handle, ThreadInformationClass uint32, ThreadInformation []byte) Status {
	return StatusNotImplemented
}
