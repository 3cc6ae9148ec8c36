/*
 * lpc.h: NT's LPC calls for programs in C, over liblpc.so.
 *
 * The calls, their types and their statuses are NT's, with its 64-bit layouts. Link
 * with -llpc (pkg-config lpc). What each call does and which status it gives when is
 * what NT does; the differences are these:
 *
 *   - A thread that makes a call is an NT thread: ClientId.UniqueProcess is getpid(),
 *     ClientId.UniqueThread is gettid(). Its end is noticed; no call ends it.
 *   - Handles mean something in their own process only.
 *   - A bad pointer gives STATUS_ACCESS_VIOLATION or STATUS_DATATYPE_MISALIGNMENT, as
 *     from a kernel. Structures are aligned to 4 bytes at least, text to 2.
 *   - After fork(2) the child has none of its parent's handles, and every call of it
 *     gives STATUS_NOT_SUPPORTED until it calls execve(2).
 *   - The calls may not be made from a signal handler. Handlers of signals that may come
 *     to a thread during a call are installed with SA_ONSTACK: calls run on stacks of
 *     their own, which are small.
 *
 * Strings have 16-bit characters: u"\\RPC Control\\spool" in C11 and C++11.
 */
#ifndef LPC_H
#define LPC_H

#include <stddef.h>
#include <stdint.h>

#if !defined(__LP64__)
#error "lpc.h: the layouts are those of 64-bit systems"
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifndef NTAPI
#define NTAPI
#endif
#if defined(__GNUC__)
#define LPC_CALL __attribute__((visibility("default")))
#define LPC_ANONYMOUS __extension__
#else
#define LPC_CALL
#define LPC_ANONYMOUS
#endif

/* Basic types. Programs that have them from elsewhere define LPC_NO_BASE_TYPES. */
#ifndef LPC_NO_BASE_TYPES
typedef void VOID;
typedef void *PVOID;
typedef void *HANDLE, **PHANDLE;
typedef uint8_t UCHAR, *PUCHAR, BOOLEAN, *PBOOLEAN;
typedef int16_t SHORT, CSHORT;
typedef uint16_t USHORT, *PUSHORT;
typedef int32_t LONG, *PLONG, NTSTATUS;
typedef uint32_t ULONG, *PULONG, ACCESS_MASK;
typedef int64_t LONGLONG;
typedef uint64_t ULONGLONG;
typedef uintptr_t ULONG_PTR, SIZE_T, *PSIZE_T;
#ifdef __cplusplus
typedef char16_t WCHAR, *PWSTR;
typedef const char16_t *PCWSTR;
#else
typedef uint16_t WCHAR, *PWSTR; /* what char16_t is in C11 */
typedef const uint16_t *PCWSTR;
#endif
#ifndef TRUE
#define TRUE 1
#define FALSE 0
#endif

typedef union _LARGE_INTEGER {
	LPC_ANONYMOUS struct {
		ULONG LowPart;
		LONG HighPart;
	};
	struct {
		ULONG LowPart;
		LONG HighPart;
	} u;
	LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef struct _UNICODE_STRING {
	USHORT Length;        /* bytes, without a terminating 0 */
	USHORT MaximumLength; /* bytes */
	PWSTR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

typedef struct _CLIENT_ID {
	HANDLE UniqueProcess;
	HANDLE UniqueThread;
} CLIENT_ID, *PCLIENT_ID;

typedef struct _OBJECT_ATTRIBUTES {
	ULONG Length; /* sizeof(OBJECT_ATTRIBUTES) */
	HANDLE RootDirectory;
	PUNICODE_STRING ObjectName;
	ULONG Attributes;
	PVOID SecurityDescriptor; /* SECURITY_DESCRIPTOR, absolute or self-relative */
	PVOID SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;

typedef enum _SECURITY_IMPERSONATION_LEVEL {
	SecurityAnonymous,
	SecurityIdentification,
	SecurityImpersonation,
	SecurityDelegation
} SECURITY_IMPERSONATION_LEVEL;

typedef struct _SECURITY_QUALITY_OF_SERVICE {
	ULONG Length; /* sizeof(SECURITY_QUALITY_OF_SERVICE) */
	SECURITY_IMPERSONATION_LEVEL ImpersonationLevel;
	BOOLEAN ContextTrackingMode; /* SECURITY_STATIC_TRACKING, SECURITY_DYNAMIC_TRACKING */
	BOOLEAN EffectiveOnly;
} SECURITY_QUALITY_OF_SERVICE, *PSECURITY_QUALITY_OF_SERVICE;

typedef struct _SID_IDENTIFIER_AUTHORITY {
	UCHAR Value[6]; /* highest byte first */
} SID_IDENTIFIER_AUTHORITY;

/* The user with uid N is S-1-22-1-N, the group with gid N is S-1-22-2-N; root is
 * S-1-5-18, everyone S-1-1-0. */
typedef struct _SID {
	UCHAR Revision; /* 1 */
	UCHAR SubAuthorityCount;
	SID_IDENTIFIER_AUTHORITY IdentifierAuthority;
	ULONG SubAuthority[1]; /* SubAuthorityCount of them */
} SID, *PSID;

typedef struct _ACL {
	UCHAR AclRevision; /* 2 */
	UCHAR Sbz1;
	USHORT AclSize; /* bytes, with the entries */
	USHORT AceCount;
	USHORT Sbz2;
} ACL, *PACL;

typedef struct _ACE_HEADER {
	UCHAR AceType;
	UCHAR AceFlags;
	USHORT AceSize; /* bytes, a multiple of 4 */
} ACE_HEADER, *PACE_HEADER;

typedef struct _ACCESS_ALLOWED_ACE {
	ACE_HEADER Header;
	ACCESS_MASK Mask;
	ULONG SidStart; /* the SID begins here */
} ACCESS_ALLOWED_ACE, ACCESS_DENIED_ACE;

typedef USHORT SECURITY_DESCRIPTOR_CONTROL;

typedef struct _SECURITY_DESCRIPTOR {
	UCHAR Revision; /* SECURITY_DESCRIPTOR_REVISION */
	UCHAR Sbz1;
	SECURITY_DESCRIPTOR_CONTROL Control;
	PSID Owner;
	PSID Group;
	PACL Sacl;
	PACL Dacl; /* with SE_DACL_PRESENT; NULL admits everyone */
} SECURITY_DESCRIPTOR, *PSECURITY_DESCRIPTOR;

typedef struct _SECURITY_DESCRIPTOR_RELATIVE {
	UCHAR Revision;
	UCHAR Sbz1;
	SECURITY_DESCRIPTOR_CONTROL Control; /* with SE_SELF_RELATIVE */
	ULONG Owner;                         /* bytes from the start of this; 0 is none */
	ULONG Group;
	ULONG Sacl;
	ULONG Dacl;
} SECURITY_DESCRIPTOR_RELATIVE;

#define SECURITY_DESCRIPTOR_REVISION 1
#define SE_DACL_PRESENT 0x0004
#define SE_SACL_PRESENT 0x0010
#define SE_SELF_RELATIVE 0x8000
#define ACL_REVISION 2
#define ACCESS_ALLOWED_ACE_TYPE 0
#define ACCESS_DENIED_ACE_TYPE 1
#define SECURITY_STATIC_TRACKING 0
#define SECURITY_DYNAMIC_TRACKING 1
#define OBJ_CASE_INSENSITIVE 0x00000040
#define NT_SUCCESS(Status) ((NTSTATUS)(Status) >= 0)

#define InitializeObjectAttributes(p, n, a, r, s) \
	do { \
		(p)->Length = sizeof(OBJECT_ATTRIBUTES); \
		(p)->RootDirectory = (r); \
		(p)->ObjectName = (n); \
		(p)->Attributes = (a); \
		(p)->SecurityDescriptor = (s); \
		(p)->SecurityQualityOfService = NULL; \
	} while (0)

static inline VOID RtlInitUnicodeString(PUNICODE_STRING To, PCWSTR From)
{
	size_t n = 0;

	while (From && n < 0x7ffe && From[n])
		n++;
	To->Length = (USHORT)(n * sizeof(WCHAR));
	To->MaximumLength = From ? (USHORT)((n + 1) * sizeof(WCHAR)) : 0;
	To->Buffer = (PWSTR)From;
}
#endif /* LPC_NO_BASE_TYPES */

/* Messages. The fields of a header have two names each, as in headers of old and new. */
typedef struct _PORT_MESSAGE {
	LPC_ANONYMOUS union {
		union {
			struct {
				USHORT DataLength;
				USHORT TotalLength;
			} s1;
			ULONG Length;
		} u1;
		LPC_ANONYMOUS struct {
			USHORT DataLength;  /* bytes of data behind the header */
			USHORT TotalLength; /* bytes of header and data, at least */
		};
	};
	LPC_ANONYMOUS union {
		union {
			struct {
				CSHORT Type;
				CSHORT DataInfoOffset;
			} s2;
			ULONG ZeroInit;
		} u2;
		LPC_ANONYMOUS struct {
			CSHORT Type;
			CSHORT DataInfoOffset; /* from the header's start to PORT_DATA_INFORMATION; 0 is none */
		};
	};
	LPC_ANONYMOUS union {
		CLIENT_ID ClientId;
		double DoNotUseThisField; /* for its alignment */
	};
	ULONG MessageId;
	LPC_ANONYMOUS union {
		SIZE_T ClientViewSize; /* of a connection request */
		ULONG CallbackId;
	};
} PORT_MESSAGE, *PPORT_MESSAGE;

/* A message with room for the most data: what to receive into. */
#define PORT_MAXIMUM_DATA_LENGTH 0x130
typedef struct _PORT_MESSAGE_BUFFER {
	PORT_MESSAGE h;
	UCHAR Data[PORT_MAXIMUM_DATA_LENGTH];
} PORT_MESSAGE_BUFFER, *PPORT_MESSAGE_BUFFER;

#define PORT_TOTAL_MAXIMUM_MESSAGE_LENGTH 0x158
#define PORT_MAXIMUM_CONNECTION_INFORMATION 0x104

/* Memory of the sender that the receiver of its request may read and write while it
 * waits: it stands inside the message, at DataInfoOffset. */
typedef struct _PORT_DATA_ENTRY {
	PVOID Base;
	SIZE_T DataLength;
} PORT_DATA_ENTRY, *PPORT_DATA_ENTRY;

typedef struct _PORT_DATA_INFORMATION {
	ULONG CountDataEntries;
	PORT_DATA_ENTRY DataEntries[1];
} PORT_DATA_INFORMATION, *PPORT_DATA_INFORMATION;

#define LPC_NEW_MESSAGE 0
#define LPC_REQUEST 1
#define LPC_REPLY 2
#define LPC_DATAGRAM 3
#define LPC_LOST_REPLY 4
#define LPC_PORT_CLOSED 5
#define LPC_CLIENT_DIED 6
#define LPC_EXCEPTION 7
#define LPC_DEBUG_EVENT 8
#define LPC_ERROR_EVENT 9
#define LPC_CONNECTION_REQUEST 10
#define LPC_NO_IMPERSONATE 0x4000
#define LPC_KERNELMODE_MESSAGE 0x8000

/* Views: a section of one end that both ends see. */
typedef struct _PORT_VIEW {
	ULONG Length; /* sizeof(PORT_VIEW) */
	HANDLE SectionHandle;
	ULONG SectionOffset;
	SIZE_T ViewSize;      /* in: 0 is to the section's end; out: whole pages */
	PVOID ViewBase;       /* out: here */
	PVOID ViewRemoteBase; /* out: at the other end */
} PORT_VIEW, *PPORT_VIEW;

typedef struct _REMOTE_PORT_VIEW {
	ULONG Length; /* sizeof(REMOTE_PORT_VIEW) */
	SIZE_T ViewSize;
	PVOID ViewBase;
} REMOTE_PORT_VIEW, *PREMOTE_PORT_VIEW;

/* Rights, options, classes. */
#define PORT_CONNECT 0x0001
#define PORT_ALL_ACCESS 0x1F0001
#ifndef SECTION_MAP_WRITE
#define SECTION_QUERY 0x0001
#define SECTION_MAP_WRITE 0x0002
#define SECTION_MAP_READ 0x0004
#define SECTION_ALL_ACCESS 0x000F001F
#define PAGE_READONLY 0x02
#define PAGE_READWRITE 0x04
#define SEC_COMMIT 0x08000000
#define DUPLICATE_CLOSE_SOURCE 0x1
#define DUPLICATE_SAME_ACCESS 0x2
#define NtCurrentProcess() ((HANDLE)(intptr_t)-1)
#define NtCurrentThread() ((HANDLE)(intptr_t)-2)
typedef enum _SECTION_INHERIT { ViewShare = 1, ViewUnmap = 2 } SECTION_INHERIT;
#endif
#define ThreadImpersonationToken 5

/* Statuses. */
#ifndef STATUS_SUCCESS
#define STATUS_SUCCESS ((NTSTATUS)0x00000000)
#endif
#define STATUS_USER_APC ((NTSTATUS)0x000000C0)
#define STATUS_ALERTED ((NTSTATUS)0x00000101)
#define STATUS_TIMEOUT ((NTSTATUS)0x00000102)
#define STATUS_MESSAGE_RETRIEVED ((NTSTATUS)0x4000002E)
#define STATUS_DATATYPE_MISALIGNMENT ((NTSTATUS)0x80000002)
#define STATUS_PARTIAL_COPY ((NTSTATUS)0x8000000D)
#define STATUS_UNSUCCESSFUL ((NTSTATUS)0xC0000001)
#define STATUS_NOT_IMPLEMENTED ((NTSTATUS)0xC0000002)
#define STATUS_INVALID_INFO_CLASS ((NTSTATUS)0xC0000003)
#define STATUS_INFO_LENGTH_MISMATCH ((NTSTATUS)0xC0000004)
#define STATUS_ACCESS_VIOLATION ((NTSTATUS)0xC0000005)
#define STATUS_INVALID_HANDLE ((NTSTATUS)0xC0000008)
#define STATUS_INVALID_CID ((NTSTATUS)0xC000000B)
#define STATUS_INVALID_PARAMETER ((NTSTATUS)0xC000000D)
#define STATUS_NO_MEMORY ((NTSTATUS)0xC0000017)
#define STATUS_CONFLICTING_ADDRESSES ((NTSTATUS)0xC0000018)
#define STATUS_NOT_MAPPED_VIEW ((NTSTATUS)0xC0000019)
#define STATUS_INVALID_VIEW_SIZE ((NTSTATUS)0xC000001F)
#define STATUS_ACCESS_DENIED ((NTSTATUS)0xC0000022)
#define STATUS_BUFFER_TOO_SMALL ((NTSTATUS)0xC0000023)
#define STATUS_OBJECT_TYPE_MISMATCH ((NTSTATUS)0xC0000024)
#define STATUS_INVALID_PORT_ATTRIBUTES ((NTSTATUS)0xC000002E)
#define STATUS_PORT_MESSAGE_TOO_LONG ((NTSTATUS)0xC000002F)
#define STATUS_OBJECT_NAME_INVALID ((NTSTATUS)0xC0000033)
#define STATUS_OBJECT_NAME_NOT_FOUND ((NTSTATUS)0xC0000034)
#define STATUS_OBJECT_NAME_COLLISION ((NTSTATUS)0xC0000035)
#define STATUS_PORT_DO_NOT_DISTURB ((NTSTATUS)0xC0000036)
#define STATUS_PORT_DISCONNECTED ((NTSTATUS)0xC0000037)
#define STATUS_OBJECT_PATH_NOT_FOUND ((NTSTATUS)0xC000003A)
#define STATUS_SECTION_TOO_BIG ((NTSTATUS)0xC0000040)
#define STATUS_PORT_CONNECTION_REFUSED ((NTSTATUS)0xC0000041)
#define STATUS_INVALID_PORT_HANDLE ((NTSTATUS)0xC0000042)
#define STATUS_INVALID_PAGE_PROTECTION ((NTSTATUS)0xC0000045)
#define STATUS_PORT_ALREADY_SET ((NTSTATUS)0xC0000048)
#define STATUS_THREAD_IS_TERMINATING ((NTSTATUS)0xC000004B)
#define STATUS_UNKNOWN_REVISION ((NTSTATUS)0xC0000058)
#define STATUS_INVALID_ACL ((NTSTATUS)0xC0000077)
#define STATUS_INVALID_SID ((NTSTATUS)0xC0000078)
#define STATUS_INVALID_SECURITY_DESCR ((NTSTATUS)0xC0000079)
#define STATUS_INSUFFICIENT_RESOURCES ((NTSTATUS)0xC000009A)
#define STATUS_BAD_IMPERSONATION_LEVEL ((NTSTATUS)0xC00000A5)
#define STATUS_NOT_SUPPORTED ((NTSTATUS)0xC00000BB)
#define STATUS_INVALID_PARAMETER_2 ((NTSTATUS)0xC00000F0)
#define STATUS_INVALID_PARAMETER_3 ((NTSTATUS)0xC00000F1)
#define STATUS_INVALID_PARAMETER_4 ((NTSTATUS)0xC00000F2)
#define STATUS_MESSAGE_NOT_FOUND ((NTSTATUS)0xC0000109)
#define STATUS_REPLY_MESSAGE_MISMATCH ((NTSTATUS)0xC000021F)
#define STATUS_MAPPED_ALIGNMENT ((NTSTATUS)0xC0000220)
#define STATUS_LPC_REPLY_LOST ((NTSTATUS)0xC0000253)
#define STATUS_SERVER_SID_MISMATCH ((NTSTATUS)0xC00002A0)
#define STATUS_PORT_CLOSED ((NTSTATUS)0xC0000700)

/* Ports. */
LPC_CALL NTSTATUS NTAPI NtCreatePort(PHANDLE PortHandle, POBJECT_ATTRIBUTES ObjectAttributes,
	ULONG MaxConnectionInfoLength, ULONG MaxMessageLength, ULONG MaxPoolUsage);
LPC_CALL NTSTATUS NTAPI NtCreateWaitablePort(PHANDLE PortHandle, POBJECT_ATTRIBUTES ObjectAttributes,
	ULONG MaxConnectionInfoLength, ULONG MaxMessageLength, ULONG MaxPoolUsage);
LPC_CALL NTSTATUS NTAPI NtConnectPort(PHANDLE PortHandle, PUNICODE_STRING PortName,
	PSECURITY_QUALITY_OF_SERVICE SecurityQos, PPORT_VIEW ClientView, PREMOTE_PORT_VIEW ServerView,
	PULONG MaxMessageLength, PVOID ConnectionInformation, PULONG ConnectionInformationLength);
LPC_CALL NTSTATUS NTAPI NtSecureConnectPort(PHANDLE PortHandle, PUNICODE_STRING PortName,
	PSECURITY_QUALITY_OF_SERVICE SecurityQos, PPORT_VIEW ClientView, PSID ServerSid, PREMOTE_PORT_VIEW ServerView,
	PULONG MaxMessageLength, PVOID ConnectionInformation, PULONG ConnectionInformationLength);
LPC_CALL NTSTATUS NTAPI NtListenPort(HANDLE PortHandle, PPORT_MESSAGE ConnectionRequest);
LPC_CALL NTSTATUS NTAPI NtAcceptConnectPort(PHANDLE PortHandle, PVOID PortContext, PPORT_MESSAGE ConnectionRequest,
	BOOLEAN AcceptConnection, PPORT_VIEW ServerView, PREMOTE_PORT_VIEW ClientView);
LPC_CALL NTSTATUS NTAPI NtCompleteConnectPort(HANDLE PortHandle);

/* Messages. */
LPC_CALL NTSTATUS NTAPI NtRequestPort(HANDLE PortHandle, PPORT_MESSAGE RequestMessage);
LPC_CALL NTSTATUS NTAPI NtRequestWaitReplyPort(HANDLE PortHandle, PPORT_MESSAGE RequestMessage, PPORT_MESSAGE ReplyMessage);
LPC_CALL NTSTATUS NTAPI NtReplyPort(HANDLE PortHandle, PPORT_MESSAGE ReplyMessage);
LPC_CALL NTSTATUS NTAPI NtReplyWaitReplyPort(HANDLE PortHandle, PPORT_MESSAGE ReplyMessage);
LPC_CALL NTSTATUS NTAPI NtReplyWaitReceivePort(HANDLE PortHandle, PVOID *PortContext,
	PPORT_MESSAGE ReplyMessage, PPORT_MESSAGE ReceiveMessage);
LPC_CALL NTSTATUS NTAPI NtReplyWaitReceivePortEx(HANDLE PortHandle, PVOID *PortContext,
	PPORT_MESSAGE ReplyMessage, PPORT_MESSAGE ReceiveMessage, PLARGE_INTEGER Timeout);
LPC_CALL NTSTATUS NTAPI NtReadRequestData(HANDLE PortHandle, PPORT_MESSAGE Message, ULONG DataEntryIndex,
	PVOID Buffer, SIZE_T BufferSize, PSIZE_T NumberOfBytesRead);
LPC_CALL NTSTATUS NTAPI NtWriteRequestData(HANDLE PortHandle, PPORT_MESSAGE Message, ULONG DataEntryIndex,
	PVOID Buffer, SIZE_T BufferSize, PSIZE_T NumberOfBytesWritten);

/* Who the client is; what happens when a thread ends. */
LPC_CALL NTSTATUS NTAPI NtImpersonateClientOfPort(HANDLE PortHandle, PPORT_MESSAGE Message);
LPC_CALL NTSTATUS NTAPI NtSetInformationThread(HANDLE ThreadHandle, ULONG ThreadInformationClass,
	PVOID ThreadInformation, ULONG ThreadInformationLength);
LPC_CALL NTSTATUS NTAPI NtRegisterThreadTerminatePort(HANDLE PortHandle);
LPC_CALL NTSTATUS NTAPI NtQueryInformationPort(HANDLE PortHandle, ULONG PortInformationClass,
	PVOID PortInformation, ULONG Length, PULONG ReturnLength);

/* Sections and handles: what ports need of them. */
LPC_CALL NTSTATUS NTAPI NtCreateSection(PHANDLE SectionHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PLARGE_INTEGER MaximumSize, ULONG SectionPageProtection, ULONG AllocationAttributes, HANDLE FileHandle);
LPC_CALL NTSTATUS NTAPI NtMapViewOfSection(HANDLE SectionHandle, HANDLE ProcessHandle, PVOID *BaseAddress,
	ULONG_PTR ZeroBits, SIZE_T CommitSize, PLARGE_INTEGER SectionOffset, PSIZE_T ViewSize,
	SECTION_INHERIT InheritDisposition, ULONG AllocationType, ULONG Win32Protect);
LPC_CALL NTSTATUS NTAPI NtUnmapViewOfSection(HANDLE ProcessHandle, PVOID BaseAddress);
LPC_CALL NTSTATUS NTAPI NtDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
	PHANDLE TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Options);
LPC_CALL NTSTATUS NTAPI NtClose(HANDLE Handle);
LPC_CALL NTSTATUS NTAPI NtWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout);

/* What NT does not have.
 *
 * lpc_status_name gives a status's symbolic name, "STATUS_PORT_DISCONNECTED". The text
 * stays.
 *
 * lpc_safe_probe says how pointers are checked: 0 by touching them, which needs the
 * library's SIGSEGV handler (or one that calls it for faults that it does not know);
 * 1 by asking the kernel, which takes some microseconds a call; -1 looks whether the
 * handler is the library's, and chooses. That is also done at a thread's first call and
 * in NtCreatePort, NtConnectPort and NtAcceptConnectPort. So a program that installs a
 * SIGSEGV handler later than that calls lpc_safe_probe(-1) behind it. The environment
 * variable LPC_SAFE_PROBE (0 or 1) decides for all. It gives the mode that is then
 * used, 0 or 1, or -1 in a forked child.
 *
 * lpc_event_fd gives a descriptor that is readable while a waitable port has a message, and
 * when the port is gone, for poll and epoll; -1 for other handles, in a forked child, and
 * where the process has none to spare. The caller closes it, and neither reads nor writes
 * it. It may be readable for what is no message: receive with a timeout of 0. */
LPC_CALL const char *lpc_status_name(NTSTATUS Status);
LPC_CALL int lpc_safe_probe(int mode);
LPC_CALL int lpc_event_fd(HANDLE Handle);

#ifdef __cplusplus
}
#endif
#endif /* LPC_H */
