package dumptest

import "strings"

// small are the layouts of machines of which only small dumps are written, by the
// columns behind those of layouts.
var small = []map[string]place{parseColumn(membersARM64), parseColumn(membersIA64)}

// parseColumn reads a table with one column, of a 64-bit machine.
func parseColumn(text string) map[string]place {
	const column = 2 // the first of members whose pointers have 8 bytes
	var b strings.Builder
	for line := range strings.Lines(text) {
		if at := strings.LastIndexByte(strings.TrimRight(line, "\n"), ' '); at > 0 {
			b.WriteString(line[:at] + " - - " + strings.TrimSpace(line[at:]) + " -\n")
		}
	}
	return parseMembers(b.String())[column]
}

// layout is the machine's.
func (p *Profile) layout() map[string]place {
	if i := p.column - len(layouts); i >= 0 {
		return small[i]
	}
	return layouts[p.column]
}

// members64 are the structures that are the same on all 64-bit machines.
const members64 = `
_LIST_ENTRY 10
 Flink 0
 Blink 8
_UNICODE_STRING 10
 Length:2 0
 MaximumLength:2 2
 Buffer 8
_LDR_DATA_TABLE_ENTRY 98
 InLoadOrderLinks 0
 DllBase 30
 EntryPoint 38
 SizeOfImage:4 40
 FullDllName 48
 BaseDllName 58
 LoadCount:2 6c
 CheckSum:4 78
 TimeDateStamp:4 80
`

// membersARM64 are the structures of Windows 11 22000 on ARM64 as far as small dumps
// have them: what the debugger data of a real one tells, CONTEXT by winnt.h
// (ARM64_NT_CONTEXT). The members that no debugger data tells stand where a reader
// must find them by their shape.
const membersARM64 = members64 + `
_KPROCESS 438
 DirectoryTableBase 28
_EPROCESS c80
 UniqueProcessId 400
 ActiveProcessLinks 408
 InheritedFromUniqueProcessId 4f8
 Peb 508
 ImageFileName:0 560
_KTHREAD 430
 InitialStack 28
 StackLimit 30
 StackBase 38
 KernelStack 58
 Teb e8
 ApcState 90
 ApcState.Process b0
 State:1 17c
 WaitReason:1 2a3
_ETHREAD 910
 Cid 4e8
 IrpList 520
_KPCR a000
 Self 18
 Prcb:0 980
_KPRCB 9680
 CurrentThread 8
 Number:1 24
 ProcessorState:0 40
 ProcessorState.ContextFrame:0 360
 Context 8a0
_CONTEXT 390
 ContextFlags:4 0
 Cpsr:4 4
 X0 8
 X19 a0
 Fp f0
 Lr f8
 Sp 100
 Pc 108
`

// membersIA64 are the structures of an Itanium of no particular build: the debugger
// data tells where the members of a thread stand. CONTEXT by winnt.h.
const membersIA64 = members64 + `
_KPROCESS e0
 DirectoryTableBase 28
_EPROCESS 400
 UniqueProcessId d8
 ActiveProcessLinks e0
 InheritedFromUniqueProcessId 218
 Peb 2c0
 ImageFileName:0 268
_KTHREAD 3a0
 InitialStack 28
 KernelStack 38
 BStore 48
 BStoreLimit 50
 Teb b0
 ApcState 70
 ApcState.Process 90
 State:1 154
 WaitReason:1 92
_ETHREAD 500
 Cid 3b0
_KPCR 2000
 Self 18
 Prcb:0 180
_KPRCB b00
 CurrentThread 8
 Number:1 10
 ProcessorState:0 40
 ProcessorState.ContextFrame:0 40
_CONTEXT a70
 IntSp 8d0
 RsBSP 9f0
 RsBSPSTORE 9f8
 StIPSR a10
 StIIP a18
`
