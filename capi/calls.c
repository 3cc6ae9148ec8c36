//go:build cgo && linux

/*
 * The calls by NT's names: each finds its thread and crosses into Go.
 */
#include "shim.h"
#include "_cgo_export.h"

#define P(x) ((uintptr_t)(x))

NTSTATUS NtCreatePort(PHANDLE PortHandle, POBJECT_ATTRIBUTES ObjectAttributes,
	ULONG MaxConnectionInfoLength, ULONG MaxMessageLength, ULONG MaxPoolUsage)
{
	ENTER();
	lpc_look(-1);
	return (NTSTATUS)lpcgoCreatePort(lpc_self, P(PortHandle), P(ObjectAttributes), MaxConnectionInfoLength, MaxMessageLength, MaxPoolUsage, 0);
}

NTSTATUS NtCreateWaitablePort(PHANDLE PortHandle, POBJECT_ATTRIBUTES ObjectAttributes,
	ULONG MaxConnectionInfoLength, ULONG MaxMessageLength, ULONG MaxPoolUsage)
{
	ENTER();
	lpc_look(-1);
	return (NTSTATUS)lpcgoCreatePort(lpc_self, P(PortHandle), P(ObjectAttributes), MaxConnectionInfoLength, MaxMessageLength, MaxPoolUsage, 1);
}

NTSTATUS NtConnectPort(PHANDLE PortHandle, PUNICODE_STRING PortName, PSECURITY_QUALITY_OF_SERVICE SecurityQos,
	PPORT_VIEW ClientView, PREMOTE_PORT_VIEW ServerView, PULONG MaxMessageLength,
	PVOID ConnectionInformation, PULONG ConnectionInformationLength)
{
	return NtSecureConnectPort(PortHandle, PortName, SecurityQos, ClientView, NULL, ServerView,
		MaxMessageLength, ConnectionInformation, ConnectionInformationLength);
}

NTSTATUS NtSecureConnectPort(PHANDLE PortHandle, PUNICODE_STRING PortName, PSECURITY_QUALITY_OF_SERVICE SecurityQos,
	PPORT_VIEW ClientView, PSID ServerSid, PREMOTE_PORT_VIEW ServerView, PULONG MaxMessageLength,
	PVOID ConnectionInformation, PULONG ConnectionInformationLength)
{
	ENTER();
	lpc_look(-1);
	return (NTSTATUS)lpcgoSecureConnectPort(lpc_self, P(PortHandle), P(PortName), P(SecurityQos), P(ClientView), P(ServerSid),
		P(ServerView), P(MaxMessageLength), P(ConnectionInformation), P(ConnectionInformationLength));
}

NTSTATUS NtListenPort(HANDLE PortHandle, PPORT_MESSAGE ConnectionRequest)
{
	ENTER();
	return (NTSTATUS)lpcgoListenPort(lpc_self, P(PortHandle), P(ConnectionRequest));
}

NTSTATUS NtAcceptConnectPort(PHANDLE PortHandle, PVOID PortContext, PPORT_MESSAGE ConnectionRequest,
	BOOLEAN AcceptConnection, PPORT_VIEW ServerView, PREMOTE_PORT_VIEW ClientView)
{
	ENTER();
	lpc_look(-1);
	return (NTSTATUS)lpcgoAcceptConnectPort(lpc_self, P(PortHandle), P(PortContext), P(ConnectionRequest), AcceptConnection, P(ServerView), P(ClientView));
}

NTSTATUS NtCompleteConnectPort(HANDLE PortHandle)
{
	ENTER();
	return (NTSTATUS)lpcgoCompleteConnectPort(lpc_self, P(PortHandle));
}

NTSTATUS NtRequestPort(HANDLE PortHandle, PPORT_MESSAGE RequestMessage)
{
	ENTER();
	return (NTSTATUS)lpcgoRequestPort(lpc_self, P(PortHandle), P(RequestMessage));
}

NTSTATUS NtRequestWaitReplyPort(HANDLE PortHandle, PPORT_MESSAGE RequestMessage, PPORT_MESSAGE ReplyMessage)
{
	ENTER();
	return (NTSTATUS)lpcgoRequestWaitReplyPort(lpc_self, P(PortHandle), P(RequestMessage), P(ReplyMessage));
}

NTSTATUS NtReplyPort(HANDLE PortHandle, PPORT_MESSAGE ReplyMessage)
{
	ENTER();
	return (NTSTATUS)lpcgoReplyPort(lpc_self, P(PortHandle), P(ReplyMessage));
}

NTSTATUS NtReplyWaitReplyPort(HANDLE PortHandle, PPORT_MESSAGE ReplyMessage)
{
	ENTER();
	return (NTSTATUS)lpcgoReplyWaitReplyPort(lpc_self, P(PortHandle), P(ReplyMessage));
}

NTSTATUS NtReplyWaitReceivePort(HANDLE PortHandle, PVOID *PortContext, PPORT_MESSAGE ReplyMessage, PPORT_MESSAGE ReceiveMessage)
{
	ENTER();
	return (NTSTATUS)lpcgoReplyWaitReceivePort(lpc_self, P(PortHandle), P(PortContext), P(ReplyMessage), P(ReceiveMessage), 0);
}

NTSTATUS NtReplyWaitReceivePortEx(HANDLE PortHandle, PVOID *PortContext, PPORT_MESSAGE ReplyMessage,
	PPORT_MESSAGE ReceiveMessage, PLARGE_INTEGER Timeout)
{
	ENTER();
	return (NTSTATUS)lpcgoReplyWaitReceivePort(lpc_self, P(PortHandle), P(PortContext), P(ReplyMessage), P(ReceiveMessage), P(Timeout));
}

NTSTATUS NtReadRequestData(HANDLE PortHandle, PPORT_MESSAGE Message, ULONG DataEntryIndex,
	PVOID Buffer, SIZE_T BufferSize, PSIZE_T NumberOfBytesRead)
{
	ENTER();
	return (NTSTATUS)lpcgoRequestData(lpc_self, P(PortHandle), P(Message), DataEntryIndex, P(Buffer), BufferSize, P(NumberOfBytesRead), 0);
}

NTSTATUS NtWriteRequestData(HANDLE PortHandle, PPORT_MESSAGE Message, ULONG DataEntryIndex,
	PVOID Buffer, SIZE_T BufferSize, PSIZE_T NumberOfBytesWritten)
{
	ENTER();
	return (NTSTATUS)lpcgoRequestData(lpc_self, P(PortHandle), P(Message), DataEntryIndex, P(Buffer), BufferSize, P(NumberOfBytesWritten), 1);
}

NTSTATUS NtImpersonateClientOfPort(HANDLE PortHandle, PPORT_MESSAGE Message)
{
	ENTER();
	return (NTSTATUS)lpcgoImpersonateClientOfPort(lpc_self, P(PortHandle), P(Message));
}

NTSTATUS NtSetInformationThread(HANDLE ThreadHandle, ULONG ThreadInformationClass, PVOID ThreadInformation, ULONG ThreadInformationLength)
{
	ENTER();
	return (NTSTATUS)lpcgoSetInformationThread(lpc_self, P(ThreadHandle), ThreadInformationClass, P(ThreadInformation), ThreadInformationLength);
}

NTSTATUS NtRegisterThreadTerminatePort(HANDLE PortHandle)
{
	ENTER();
	return (NTSTATUS)lpcgoRegisterThreadTerminatePort(lpc_self, P(PortHandle));
}

NTSTATUS NtQueryInformationPort(HANDLE PortHandle, ULONG PortInformationClass, PVOID PortInformation, ULONG Length, PULONG ReturnLength)
{
	ENTER();
	return (NTSTATUS)lpcgoQueryInformationPort(lpc_self, P(PortHandle), PortInformationClass, P(PortInformation), Length, P(ReturnLength));
}

NTSTATUS NtCreateSection(PHANDLE SectionHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PLARGE_INTEGER MaximumSize, ULONG SectionPageProtection, ULONG AllocationAttributes, HANDLE FileHandle)
{
	ENTER();
	return (NTSTATUS)lpcgoCreateSection(lpc_self, P(SectionHandle), DesiredAccess, P(ObjectAttributes), P(MaximumSize),
		SectionPageProtection, AllocationAttributes, P(FileHandle));
}

NTSTATUS NtMapViewOfSection(HANDLE SectionHandle, HANDLE ProcessHandle, PVOID *BaseAddress, ULONG_PTR ZeroBits,
	SIZE_T CommitSize, PLARGE_INTEGER SectionOffset, PSIZE_T ViewSize, SECTION_INHERIT InheritDisposition,
	ULONG AllocationType, ULONG Win32Protect)
{
	ENTER();
	return (NTSTATUS)lpcgoMapViewOfSection(lpc_self, P(SectionHandle), P(ProcessHandle), P(BaseAddress), ZeroBits, CommitSize,
		P(SectionOffset), P(ViewSize), (uint32_t)InheritDisposition, AllocationType, Win32Protect);
}

NTSTATUS NtUnmapViewOfSection(HANDLE ProcessHandle, PVOID BaseAddress)
{
	ENTER();
	return (NTSTATUS)lpcgoUnmapViewOfSection(lpc_self, P(ProcessHandle), P(BaseAddress));
}

NTSTATUS NtDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
	PHANDLE TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Options)
{
	ENTER();
	return (NTSTATUS)lpcgoDuplicateObject(lpc_self, P(SourceProcessHandle), P(SourceHandle), P(TargetProcessHandle), P(TargetHandle),
		DesiredAccess, HandleAttributes, Options);
}

NTSTATUS NtClose(HANDLE Handle)
{
	ENTER();
	return (NTSTATUS)lpcgoClose(lpc_self, P(Handle));
}

NTSTATUS NtWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
	ENTER();
	return (NTSTATUS)lpcgoWaitForSingleObject(lpc_self, P(Handle), Alertable, P(Timeout));
}
