package dumptest

import (
	"fmt"
	"strconv"
	"strings"
)

// members are the structures that are written, from the reference's section 5.2
// (and 3.4 and 4 for Windows 10): a line for a structure gives its size, one for a
// member its offset, for XP SP2/SP3 x86, Server 2003 SP1/SP2 x86, Server 2003 SP2
// x64, Windows 10 19041 x64. A member is as long as a pointer unless ":n" says its
// bytes. "-": not known, or not there.
const members = `
_LIST_ENTRY 8 8 10 10
 Flink 0 0 0 0
 Blink 4 4 8 8
_UNICODE_STRING 8 8 10 10
 Length:2 0 0 0 0
 MaximumLength:2 2 2 2 2
 Buffer 4 4 8 8
_KPROCESS 6c 78 b8 438
 DirectoryTableBase 18 18 28 28
 KernelTime:4 38 38 48 -
 UserTime:4 3c 3c 4c -
 ThreadListHead 50 50 70 -
_EPROCESS 260 278 3e0 a40
 UniqueProcessId 84 94 d8 440
 ActiveProcessLinks 88 98 e0 448
 CommitCharge a8 b8 120 -
 PeakVirtualSize ac bc 128 -
 VirtualSize b0 c0 130 -
 DebugPort bc cc 148 -
 ExceptionPort c0 d0 150 -
 ObjectTable c4 d4 158 -
 Token c8 d8 160 -
 InheritedFromUniqueProcessId 14c 138 218 540
 DeviceMap 15c 148 238 -
 Session 170 160 260 -
 ImageFileName:0 174 164 268 5a8
 ThreadListHead 190 180 290 -
 SecurityPort 198 188 2a0 -
 ActiveThreads:4 1a0 190 2b0 -
 Peb 1b0 1a0 2c0 550
 ModifiedPageCount:4 23c 238 380 -
 Wow64Process - - 2a8 -
 VadRoot 11c 250 398 -
_KTHREAD 1c0 1b8 308 430
 InitialStack 18 18 28 28
 StackLimit 1c 1c 30 30
 StackBase 168 158 240 38
 KernelStack 28 20 38 58
 Teb 20 74 b0 f0
 ApcState 34 28 48 98
 ApcState.Process 44 38 68 b8
 State:1 2d 4c 154 184
 WaitIrql:1 58 4e 156 -
 WaitMode:1 59 4f 157 -
 WaitReason:1 5b 5a 92 283
 Alertable:1 164 58 90 -
 WaitBlockList 5c 54 88 -
 WaitTime:4 68 6c 184 -
 ContextSwitches:4 4c 48 124 -
 Priority:1 33 5b 93 -
 BasePriority:1 6c 121 1dd -
 PriorityDecrement:1 6e 122 1de -
 KernelTime:4 144 160 24c -
 UserTime:4 148 18c 29c -
 Win32Thread 130 154 238 -
 TrapFrame 134 110 1c8 -
 CallbackStack 12c 114 1d0 -
 LargeStack:1 142 107 1b3 -
 ServiceTable e0 118 - -
 ThreadListEntry 1b0 1a8 2c0 -
_ETHREAD 258 250 410 898
 CreateTime:8 1c0 1b8 308 -
 LpcReplyChain 1c8 1c0 310 -
 Cid 1ec 1e4 358 478
 LpcReplySemaphore 1f4 1ec 368 -
 LpcReplyMessage 208 200 388 -
 LpcWaitingOnPort 208 200 388 -
 ImpersonationInfo 20c 204 390 -
 IrpList 210 208 398 4b0
 ThreadsProcess 220 218 3b8 -
 StartAddress 224 21c 3c0 -
 Win32StartAddress 228 220 3c8 -
 LpcReceivedMessageId:4 228 220 3c8 -
 ThreadListEntry 22c 224 3d0 -
 LpcReplyMessageId:4 23c 234 3f0 -
 CrossThreadFlags:4 248 240 3fc -
 SameThreadApcFlags:4 250 248 404 -
_KPCR - - - -
 TSS 40 40 - -
 GDT 3c 3c - -
 IDT 38 38 - -
 Irql:1 24 24 50 -
 KdVersionBlock 34 34 - -
 PrcbData:0 120 120 - -
 Self - - 18 -
 CurrentPrcb - - 20 -
 GdtBase - - 0 -
 TssBase - - 8 -
 Prcb:0 - - 180 180
_KPRCB - - - af00
 CurrentThread 4 4 8 8
 NextThread 8 8 10 10
 IdleThread c c 18 18
 Number:1 10 10 4 24
 ProcessorState:0 1c 1c 40 100
 ProcessorState.ContextFrame:0 1c 1c 120 1f0
 ProcessorState.SpecialRegisters:0 2e8 2e8 40 100
 DpcStack 868 948 1f40 -
 DpcRoutineActive:1 874 95a - -
_KSPECIAL_REGISTERS - - - -
 Cr0 0 0 0 0
 Cr2 4 4 8 8
 Cr3 8 8 10 10
 Cr4 c c 18 18
 Tr:2 38 38 70 70
_KTSS - - - -
 Backlink:2 0 0 - -
 Esp0:4 4 4 - -
 CR3:4 1c 1c - -
 Eip:4 20 20 - -
 EFlags:4 24 24 - -
 Eax:4 28 28 - -
 Ecx:4 2c 2c - -
 Edx:4 30 30 - -
 Ebx:4 34 34 - -
 Esp:4 38 38 - -
 Ebp:4 3c 3c - -
 Esi:4 40 40 - -
 Edi:4 44 44 - -
 Es:2 48 48 - -
 Cs:2 4c 4c - -
 Ss:2 50 50 - -
 Ds:2 54 54 - -
 Fs:2 58 58 - -
 Gs:2 5c 5c - -
_KTRAP_FRAME 8c 8c 190 190
 DbgEbp:4 0 0 - -
 DbgEip:4 4 4 - -
 Edx:4 3c 3c - -
 Ecx:4 40 40 - -
 Eax:4 44 44 - -
 SegFs:2 50 50 - -
 Edi:4 54 54 - -
 Esi:4 58 58 - -
 Ebx:4 5c 5c - -
 Ebp:4 60 60 - -
 ErrCode:4 64 64 - -
 Eip:4 68 68 - -
 SegCs:2 6c 6c 170 170
 EFlags:4 70 70 178 178
 HardwareEsp:4 74 74 - -
 HardwareSegSs:2 78 78 - -
 Rax - - 30 30
 Rcx - - 38 38
 FaultAddress - - d0 d0
 Rbx - - 140 140
 Rbp - - 158 158
 ErrorCode - - 160 160
 Rip - - 168 168
 Rsp - - 180 180
_CONTEXT 2cc 2cc 4d0 4d0
 ContextFlags:4 0 0 30 30
 Edi:4 9c 9c - -
 Esi:4 a0 a0 - -
 Ebx:4 a4 a4 - -
 Edx:4 a8 a8 - -
 Ecx:4 ac ac - -
 Eax:4 b0 b0 - -
 Ebp:4 b4 b4 - -
 Eip:4 b8 b8 - -
 SegCs:2 bc bc - -
 EFlags:4 c0 c0 44 44
 Esp:4 c4 c4 - -
 SegSs:2 c8 c8 - -
 Rax - - 78 78
 Rcx - - 80 80
 Rdx - - 88 88
 Rbx - - 90 90
 Rsp - - 98 98
 Rbp - - a0 a0
 Rsi - - a8 a8
 Rdi - - b0 b0
 R8 - - b8 b8
 R15 - - f0 f0
 Rip - - f8 f8
_LDR_DATA_TABLE_ENTRY 50 50 98 98
 InLoadOrderLinks 0 0 0 0
 InMemoryOrderLinks 8 8 10 10
 InInitializationOrderLinks 10 10 20 20
 DllBase 18 18 30 30
 EntryPoint 1c 1c 38 38
 SizeOfImage:4 20 20 40 40
 FullDllName 24 24 48 48
 BaseDllName 2c 2c 58 58
 LoadCount:2 38 38 6c 6c
 CheckSum:4 40 40 78 78
 TimeDateStamp:4 44 44 80 80
`

// place is where a member stands.
type place struct {
	off  int
	size int // bytes; 0 for a member that is written piece by piece
}

// layouts has members by column: "_ETHREAD.Cid", and "_ETHREAD" for its size.
var layouts = parseMembers(members + poolMembers + objectMembers + loaderMembers)

func parseMembers(text string) [4]map[string]place {
	var out [4]map[string]place
	for i := range out {
		out[i] = map[string]place{}
	}
	structure := ""
	for _, line := range strings.Split(text, "\n") {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		name, bytes, sized := strings.Cut(f[0], ":")
		if line[0] != ' ' {
			structure = name
		} else {
			name = structure + "." + name
		}
		for i := range out {
			if f[1+i] == "-" {
				continue
			}
			off, err := strconv.ParseUint(f[1+i], 16, 16)
			if err != nil {
				panic(fmt.Sprintf("dumptest: %s: %v", line, err))
			}
			p := place{off: int(off), size: 4}
			if i >= 2 {
				p.size = 8
			}
			if sized {
				p.size, _ = strconv.Atoi(bytes)
			}
			out[i][name] = p
		}
	}
	return out
}

// place finds a member, "_ETHREAD.Cid".
func (p *Profile) place(member string) place {
	at, ok := p.layout()[member]
	if !ok {
		panic(fmt.Sprintf("dumptest: %s has no offset for %s", p.Name, member))
	}
	return at
}

// Has says whether the profile has a member.
func (p *Profile) Has(member string) bool {
	_, ok := p.layout()[member]
	return ok
}

// Offset is the offset of a member in its structure.
func (p *Profile) Offset(member string) uint64 { return uint64(p.place(member).off) }

// Size is the size of a structure in bytes.
func (p *Profile) Size(structure string) int { return p.place(structure).off }
