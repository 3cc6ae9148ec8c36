package dumptest

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// debuggerFields are the fields of 8 bytes of the debugger data block that are
// written, from the reference's section 4.
const debuggerFields = `18 KernBase 48 PsLoadedModuleList 50 PsActiveProcessHead 58 PspCidTable
68 ExpPagedPoolDescriptor 70 ExpNumberOfPagedPools 78 KeTimeIncrement 88 KiBugcheckData 98 ObpRootDirectoryObject a0 ObpTypeObjectType
e0 MmNumberOfPagingFiles f0 MmHighestPhysicalPage f8 MmNumberOfPhysicalPages 100 MmMaximumNonPagedPoolInBytes
110 MmNonPagedPoolStart 118 MmNonPagedPoolEnd 120 MmPagedPoolStart 128 MmPagedPoolEnd 138 MmPageSize 140 MmSizeOfPagedPoolInBytes
148 MmTotalCommitLimit 150 MmTotalCommittedPages 158 MmSharedCommit 160 MmDriverCommit 168 MmProcessCommit 170 MmPagedPoolCommit
180 MmZeroedPageListHead 188 MmFreePageListHead 190 MmStandbyPageListHead 198 MmModifiedPageListHead 1a0 MmModifiedNoWritePageListHead
1a8 MmAvailablePages 1b0 MmResidentAvailablePages 1b8 PoolTrackTable 1c0 NonPagedPoolDescriptor
1c8 MmHighestUserAddress 1d0 MmSystemRangeStart 208 NtBuildLab 218 KiProcessorBlock 220 MmUnloadedDrivers 228 MmLastUnloadedDriver 268 CmNtCSDVersion`

// debuggerOffsets are the fields of 2 bytes that tell offsets, with the member that
// each is of.
const debuggerOffsets = `29a _KTHREAD.Teb 29c _KTHREAD.KernelStack 29e _KTHREAD.InitialStack 2a0 _KTHREAD.ApcState.Process
2a2 _KTHREAD.State 2a8 _EPROCESS 2aa _EPROCESS.Peb 2ac _EPROCESS.InheritedFromUniqueProcessId 2ae _KPROCESS.DirectoryTableBase
2a4 _KTHREAD.BStore 2a6 _KTHREAD.BStoreLimit 2b0 _KPRCB 2b4 _KPRCB.CurrentThread 2bc _KPRCB.ProcessorState.ContextFrame 2be _KPRCB.Number 2c0 _ETHREAD`

// writeDebuggerData writes the block, from the variables that exist by now.
func (m *Machine) writeDebuggerData() {
	b := make([]byte, m.kdbgSize)
	// The list entry's links point to the head of the list of such blocks.
	head := m.List("KdpDebuggerDataListHead")
	m.Ptr(head, m.kdbgAt)
	m.Ptr(head+m.Offset("_LIST_ENTRY.Blink"), m.kdbgAt)
	put64 := func(off int, v uint64) {
		if m.Bits == 32 {
			v = uint64(int64(int32(v))) // addresses are sign extended
		}
		if off+8 <= len(b) {
			binary.LittleEndian.PutUint64(b[off:], v)
		}
	}
	put64(0, head)
	put64(8, head)
	copy(b[0x10:], "KDBG")
	binary.LittleEndian.PutUint32(b[0x14:], uint32(len(b)))
	f := strings.Fields(debuggerFields)
	for i := 0; i < len(f); i += 2 {
		off, _ := strconv.ParseUint(f[i], 16, 16)
		if v := m.kdbg[f[i+1]]; f[i+1] == "MmPageSize" {
			binary.LittleEndian.PutUint64(b[off:], v)
		} else {
			put64(int(off), v)
		}
	}
	if m.offsets {
		f := strings.Fields(debuggerOffsets)
		for i := 0; i < len(f); i += 2 {
			off, _ := strconv.ParseUint(f[i], 16, 16)
			if m.Has(f[i+1]) && int(off)+2 <= len(b) {
				binary.LittleEndian.PutUint16(b[off:], uint16(m.Offset(f[i+1])))
			}
		}
	}
	if m.modern {
		for off, member := range map[int]string{0x340: "_KTHREAD.StackLimit", 0x344: "_KTHREAD.StackBase", 0x34c: "_ETHREAD.IrpList"} {
			binary.LittleEndian.PutUint32(b[off:], uint32(m.Offset(member)))
		}
		if m.Has("_KPRCB.Context") {
			binary.LittleEndian.PutUint16(b[0x338:], uint16(m.Offset("_KPRCB.Context")))
		}
		binary.LittleEndian.PutUint16(b[0x35c:], uint16(m.Offset("_KTHREAD.WaitReason")))
	}
	m.Put(m.kdbgAt, b)
}

// DebuggerData is the address of the block.
func (m *Machine) DebuggerData() uint64 { return m.kdbgAt }
