package kd

// bugcheck is what is published of a bug check ("Bug check code reference" on
// learn.microsoft.com).
type bugcheck struct {
	name   string
	params [4]parameter
}

// parameter is what a bug check's parameter means, "" where it is not told here.
type parameter struct {
	means string
	kind  kind
}

// kind is how a parameter is shown.
type kind uint8

const (
	plain     kind = iota
	code           // an address in code
	exception      // an exception's code
	access         // 0 read, 1 write, 8 execute
	trapCode       // a processor's trap
	object         // an address of data
)

// bugchecks are those that are met most, by code.
var bugchecks = map[uint32]bugcheck{
	0x01: {name: "APC_INDEX_MISMATCH"},
	0x0a: {"IRQL_NOT_LESS_OR_EQUAL", [4]parameter{{"memory referenced", object}, {"IRQL", plain}, {"access", access}, {"instruction that referenced it", code}}},
	0x12: {name: "TRAP_CAUSE_UNKNOWN"},
	0x18: {name: "REFERENCE_BY_POINTER"},
	0x19: {name: "BAD_POOL_HEADER"},
	0x1a: {name: "MEMORY_MANAGEMENT"},
	0x1e: {"KMODE_EXCEPTION_NOT_HANDLED", [4]parameter{{"exception", exception}, {"instruction that raised it", code}, {"the exception's first parameter", plain}, {"the exception's second parameter", plain}}},
	0x20: {name: "KERNEL_APC_PENDING_DURING_EXIT"},
	0x24: {name: "NTFS_FILE_SYSTEM"},
	0x2b: {"PANIC_STACK_SWITCH", [4]parameter{{"trap frame", plain}}},
	0x35: {name: "NO_MORE_IRP_STACK_LOCATIONS"},
	0x3b: {"SYSTEM_SERVICE_EXCEPTION", [4]parameter{{"exception", exception}, {"instruction that raised it", code}, {"context record", plain}}},
	0x3f: {name: "NO_MORE_SYSTEM_PTES"},
	0x44: {name: "MULTIPLE_IRP_COMPLETE_REQUESTS"},
	0x4e: {name: "PFN_LIST_CORRUPT"},
	0x50: {"PAGE_FAULT_IN_NONPAGED_AREA", [4]parameter{{"memory referenced", object}, {"access", access}, {"instruction that referenced it, where known", code}}},
	0x51: {name: "REGISTRY_ERROR"},
	0x74: {name: "BAD_SYSTEM_CONFIG_INFO"},
	0x76: {name: "PROCESS_HAS_LOCKED_PAGES"},
	0x77: {name: "KERNEL_STACK_INPAGE_ERROR"},
	0x7a: {name: "KERNEL_DATA_INPAGE_ERROR"},
	0x7b: {name: "INACCESSIBLE_BOOT_DEVICE"},
	0x7e: {"SYSTEM_THREAD_EXCEPTION_NOT_HANDLED", [4]parameter{{"exception", exception}, {"instruction that raised it", code}, {"exception record", plain}, {"context record", plain}}},
	0x7f: {"UNEXPECTED_KERNEL_MODE_TRAP", [4]parameter{{"trap", trapCode}}},
	0x8e: {"KERNEL_MODE_EXCEPTION_NOT_HANDLED", [4]parameter{{"exception", exception}, {"instruction that raised it", code}, {"trap frame", plain}}},
	0x9c: {name: "MACHINE_CHECK_EXCEPTION"},
	0x9f: {name: "DRIVER_POWER_STATE_FAILURE"},
	0xa0: {name: "INTERNAL_POWER_ERROR"},
	0xa5: {name: "ACPI_BIOS_ERROR"},
	0xab: {name: "SESSION_HAS_VALID_POOL_ON_EXIT"},
	0xbe: {"ATTEMPTED_WRITE_TO_READONLY_MEMORY", [4]parameter{{"memory written", object}}},
	0xc1: {name: "SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION"},
	0xc2: {name: "BAD_POOL_CALLER"},
	0xc4: {name: "DRIVER_VERIFIER_DETECTED_VIOLATION"},
	0xc5: {"DRIVER_CORRUPTED_EXPOOL", [4]parameter{{"memory referenced", object}, {"IRQL", plain}, {"access", access}, {"instruction that referenced it", code}}},
	0xca: {name: "PNP_DETECTED_FATAL_ERROR"},
	0xcb: {name: "DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS"},
	0xce: {"DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS", [4]parameter{{"memory referenced", object}, {"access", access}, {"instruction that referenced it, where known", code}}},
	0xd0: {"DRIVER_CORRUPTED_MMPOOL", [4]parameter{{"memory referenced", object}, {"IRQL", plain}, {"access", access}, {"instruction that referenced it", code}}},
	0xd1: {"DRIVER_IRQL_NOT_LESS_OR_EQUAL", [4]parameter{{"memory referenced", object}, {"IRQL", plain}, {"access", access}, {"instruction that referenced it", code}}},
	0xd3: {name: "DRIVER_PORTION_MUST_BE_NONPAGED"},
	0xd5: {name: "DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL"},
	0xda: {name: "SYSTEM_PTE_MISUSE"},
	0xde: {name: "POOL_CORRUPTION_IN_FILE_AREA"},
	0xe2: {name: "MANUALLY_INITIATED_CRASH"},
	0xe3: {name: "RESOURCE_NOT_OWNED"},
	0xea: {name: "THREAD_STUCK_IN_DEVICE_DRIVER"},
	0xef: {name: "CRITICAL_PROCESS_DIED"},
	0xf4: {name: "CRITICAL_OBJECT_TERMINATION"},
	0xf7: {name: "DRIVER_OVERRAN_STACK_BUFFER"},
	0xfc: {name: "ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY"},
	0xfe: {name: "BUGCODE_USB_DRIVER"},

	0x101:      {name: "CLOCK_WATCHDOG_TIMEOUT"},
	0x109:      {name: "CRITICAL_STRUCTURE_CORRUPTION"},
	0x10d:      {name: "WDF_VIOLATION"},
	0x113:      {name: "VIDEO_DXGKRNL_FATAL_ERROR"},
	0x116:      {name: "VIDEO_TDR_FAILURE"},
	0x117:      {name: "VIDEO_TDR_TIMEOUT_DETECTED"},
	0x119:      {name: "VIDEO_SCHEDULER_INTERNAL_ERROR"},
	0x124:      {name: "WHEA_UNCORRECTABLE_ERROR"},
	0x133:      {name: "DPC_WATCHDOG_VIOLATION"},
	0x139:      {name: "KERNEL_SECURITY_CHECK_FAILURE"},
	0x13a:      {name: "KERNEL_MODE_HEAP_CORRUPTION"},
	0x154:      {name: "UNEXPECTED_STORE_EXCEPTION"},
	0x19c:      {name: "WIN32K_POWER_WATCHDOG_TIMEOUT"},
	0x1c8:      {name: "MANUALLY_INITIATED_POWER_BUTTON_HOLD"},
	0x1ca:      {name: "SYNTHETIC_WATCHDOG_TIMEOUT"},
	0xc000021a: {name: "WINLOGON_FATAL_ERROR"},
	0xdeaddead: {name: "MANUALLY_INITIATED_CRASH1"},
}

// exceptions are the statuses that bug checks carry most (ntstatus.h).
var exceptions = map[uint32]string{
	0x80000001: "STATUS_GUARD_PAGE_VIOLATION",
	0x80000002: "STATUS_DATATYPE_MISALIGNMENT",
	0x80000003: "STATUS_BREAKPOINT",
	0x80000004: "STATUS_SINGLE_STEP",
	0xc0000005: "STATUS_ACCESS_VIOLATION",
	0xc0000006: "STATUS_IN_PAGE_ERROR",
	0xc000001d: "STATUS_ILLEGAL_INSTRUCTION",
	0xc000008e: "STATUS_FLOAT_DIVIDE_BY_ZERO",
	0xc0000094: "STATUS_INTEGER_DIVIDE_BY_ZERO",
	0xc0000095: "STATUS_INTEGER_OVERFLOW",
	0xc0000096: "STATUS_PRIVILEGED_INSTRUCTION",
	0xc000009a: "STATUS_INSUFFICIENT_RESOURCES",
	0xc000009d: "STATUS_DEVICE_NOT_CONNECTED",
	0xc00000fd: "STATUS_STACK_OVERFLOW",
	0xc0000409: "STATUS_STACK_BUFFER_OVERRUN",
	0xc0000420: "STATUS_ASSERTION_FAILURE",
}

// traps are the processor's exceptions (Intel SDM volume 3, 6.15).
var traps = [...]string{
	"divide error", "debug", "non-maskable interrupt", "breakpoint", "overflow", "bound range exceeded", "invalid opcode",
	"device not available", "double fault", "coprocessor segment overrun", "invalid task state segment", "segment not present",
	"stack-segment fault", "general protection", "page fault", "reserved", "x87 floating-point error", "alignment check",
	"machine check", "SIMD floating-point exception", "virtualization exception",
}
