/* NT's structures of XP x86 as spec/kd.md 5.2 has them, for a compiler to lay
   out: the listing of _LPCP_PORT_OBJECT must come out as the seed has it. */
typedef unsigned char UCHAR;
typedef unsigned short USHORT;
typedef unsigned long ULONG;
typedef long LONG;
typedef void *PVOID;

typedef struct _LIST_ENTRY {
	struct _LIST_ENTRY *Flink, *Blink;
} LIST_ENTRY;

typedef struct _CLIENT_ID {
	PVOID UniqueProcess, UniqueThread;
} CLIENT_ID;

typedef struct _DISPATCHER_HEADER {
	UCHAR Type, Absolute, Size, Inserted;
	LONG SignalState;
	LIST_ENTRY WaitListHead;
} DISPATCHER_HEADER;

typedef struct _KEVENT {
	DISPATCHER_HEADER Header;
} KEVENT;

typedef struct _KSEMAPHORE {
	DISPATCHER_HEADER Header;
	LONG Limit;
} KSEMAPHORE;

struct _LPCP_PORT_OBJECT;
struct _ETHREAD;
struct _EPROCESS;

typedef struct _LPCP_NONPAGED_PORT_QUEUE {
	KSEMAPHORE Semaphore;
	struct _LPCP_PORT_OBJECT *BackPointer;
} LPCP_NONPAGED_PORT_QUEUE;

typedef struct _LPCP_PORT_QUEUE {
	LPCP_NONPAGED_PORT_QUEUE *NonPagedPortQueue;
	KSEMAPHORE *Semaphore;
	LIST_ENTRY ReceiveHead;
} LPCP_PORT_QUEUE;

typedef enum _SECURITY_IMPERSONATION_LEVEL {
	SecurityAnonymous,
	SecurityIdentification,
	SecurityImpersonation,
	SecurityDelegation,
	SecurityNone = -1
} SECURITY_IMPERSONATION_LEVEL;

typedef struct _SECURITY_QUALITY_OF_SERVICE {
	ULONG Length;
	SECURITY_IMPERSONATION_LEVEL ImpersonationLevel;
	UCHAR ContextTrackingMode, EffectiveOnly;
} SECURITY_QUALITY_OF_SERVICE;

typedef struct _SECURITY_CLIENT_CONTEXT {
	SECURITY_QUALITY_OF_SERVICE SecurityQos;
	ULONG Rest[12];
} SECURITY_CLIENT_CONTEXT;

typedef struct _LPCP_PORT_OBJECT {
	struct _LPCP_PORT_OBJECT *ConnectionPort, *ConnectedPort;
	LPCP_PORT_QUEUE MsgQueue;
	CLIENT_ID Creator;
	PVOID ClientSectionBase, ServerSectionBase, PortContext;
	struct _ETHREAD *ClientThread;
	SECURITY_QUALITY_OF_SERVICE SecurityQos;
	SECURITY_CLIENT_CONTEXT StaticSecurity;
	LIST_ENTRY LpcReplyChainHead, LpcDataInfoChainHead;
	union {
		struct _EPROCESS *ServerProcess, *MappingProcess;
	};
	USHORT MaxMessageLength, MaxConnectionInfoLength;
	ULONG Flags;
	KEVENT WaitEvent;
} LPCP_PORT_OBJECT;

typedef struct _KINDS {
	ULONG Valid : 1, Owner : 3, PageFrameNumber : 20;
	union {
		struct {
			short DataLength, TotalLength;
		} s1;
		ULONG Length;
	} u1;
	LONG (*Routine)(int);
	void (*Done)(void);
	UCHAR Grid[2][3];
	LIST_ENTRY *Buckets[4];
	unsigned __int64 Time;
	double Ratio;
	float Half;
	const volatile char *Text;
	struct _KINDS *Next;
	signed char Small;
	_Bool Ok;
	struct {
		int Inner;
	} Nested[2];
} KINDS;

LPCP_PORT_OBJECT PortObject;
KINDS Kinds;
int Counter = 3;

static __attribute__((noinline)) int helper(int a) {
	volatile char buffer[100];
	buffer[a] = 1;
	return buffer[a + 1] + Counter;
}

__attribute__((noinline)) int worker(int a, int b) {
	return helper(a) + helper(b) + (int)PortObject.Flags;
}

__attribute__((noinline)) int __stdcall callback(int a, int b, int c) {
	return worker(a, b) * c + Kinds.Small;
}

int entry(void) { return callback(1, 2, worker(3, 4)); }
