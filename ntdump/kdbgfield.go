package ntdump

// Field is the offset of a field of 8 bytes in the debugger data block (reference
// 4). The value is the address of the variable of that name, but for KernBase,
// MmPageSize and PteBase, which are values. PsLoadedModuleList and
// PsActiveProcessHead are list heads; ObpRootDirectoryObject, ObpTypeObjectType,
// PspCidTable and PoolTrackTable are variables that hold a pointer.
type Field uint16

// Field16 is the offset of a field of 2 bytes: an offset in a structure, a size
// in bytes, or a selector.
type Field16 uint16

// Field32 is the offset of a field of 4 bytes, which Windows 10 added: an offset
// in a structure.
type Field32 uint16

// Fields of 8 bytes.
const (
	KernBase                      Field = 0x18
	SavedContext                  Field = 0x28
	PsLoadedModuleList            Field = 0x48
	PsActiveProcessHead           Field = 0x50
	PspCidTable                   Field = 0x58
	ExpSystemResourcesList        Field = 0x60
	ExpPagedPoolDescriptor        Field = 0x68
	ExpNumberOfPagedPools         Field = 0x70
	KeTimeIncrement               Field = 0x78
	KeBugCheckCallbackListHead    Field = 0x80
	KiBugcheckData                Field = 0x88
	ObpRootDirectoryObject        Field = 0x98
	ObpTypeObjectType             Field = 0xa0
	MmSystemCacheStart            Field = 0xa8
	MmSystemCacheEnd              Field = 0xb0
	MmSystemCacheWs               Field = 0xb8
	MmPfnDatabase                 Field = 0xc0
	MmSystemPtesStart             Field = 0xc8
	MmSystemPtesEnd               Field = 0xd0
	MmSubsectionBase              Field = 0xd8
	MmNumberOfPagingFiles         Field = 0xe0
	MmLowestPhysicalPage          Field = 0xe8
	MmHighestPhysicalPage         Field = 0xf0
	MmNumberOfPhysicalPages       Field = 0xf8
	MmMaximumNonPagedPoolInBytes  Field = 0x100
	MmNonPagedSystemStart         Field = 0x108
	MmNonPagedPoolStart           Field = 0x110
	MmNonPagedPoolEnd             Field = 0x118
	MmPagedPoolStart              Field = 0x120
	MmPagedPoolEnd                Field = 0x128
	MmPagedPoolInformation        Field = 0x130
	MmPageSize                    Field = 0x138
	MmSizeOfPagedPoolInBytes      Field = 0x140
	MmTotalCommitLimit            Field = 0x148
	MmTotalCommittedPages         Field = 0x150
	MmSharedCommit                Field = 0x158
	MmDriverCommit                Field = 0x160
	MmProcessCommit               Field = 0x168
	MmPagedPoolCommit             Field = 0x170
	MmExtendedCommit              Field = 0x178
	MmZeroedPageListHead          Field = 0x180
	MmFreePageListHead            Field = 0x188
	MmStandbyPageListHead         Field = 0x190
	MmModifiedPageListHead        Field = 0x198
	MmModifiedNoWritePageListHead Field = 0x1a0
	MmAvailablePages              Field = 0x1a8
	MmResidentAvailablePages      Field = 0x1b0
	PoolTrackTable                Field = 0x1b8
	NonPagedPoolDescriptor        Field = 0x1c0
	MmHighestUserAddress          Field = 0x1c8
	MmSystemRangeStart            Field = 0x1d0
	MmUserProbeAddress            Field = 0x1d8
	NtBuildLab                    Field = 0x208
	KiProcessorBlock              Field = 0x218
	MmUnloadedDrivers             Field = 0x220
	MmLastUnloadedDriver          Field = 0x228
	MmSpecialPoolTag              Field = 0x238
	MmAllocatedNonPagedPool       Field = 0x250
	MmPeakCommitment              Field = 0x258
	MmTotalCommitLimitMaximum     Field = 0x260
	CmNtCSDVersion                Field = 0x268
	MmPhysicalMemoryBlock         Field = 0x270
	MmSessionBase                 Field = 0x278
	MmSessionSize                 Field = 0x280
	IopNumTriageDumpDataBlocks    Field = 0x308
	IopTriageDumpDataBlocks       Field = 0x310
	PteBase                       Field = 0x360
)

// Fields of 2 bytes.
const (
	KThreadNextProcessor       Field16 = 0x298
	KThreadTeb                 Field16 = 0x29a
	KThreadKernelStack         Field16 = 0x29c
	KThreadInitialStack        Field16 = 0x29e
	KThreadApcProcess          Field16 = 0x2a0
	KThreadState               Field16 = 0x2a2
	KThreadBStore              Field16 = 0x2a4
	KThreadBStoreLimit         Field16 = 0x2a6
	SizeEProcess               Field16 = 0x2a8
	EProcessPeb                Field16 = 0x2aa
	EProcessParentCid          Field16 = 0x2ac
	EProcessDirectoryTableBase Field16 = 0x2ae
	SizePrcb                   Field16 = 0x2b0
	PrcbDpcRoutine             Field16 = 0x2b2
	PrcbCurrentThread          Field16 = 0x2b4
	PrcbMhz                    Field16 = 0x2b6
	PrcbCPUType                Field16 = 0x2b8
	PrcbVendorString           Field16 = 0x2ba
	PrcbProcStateContext       Field16 = 0x2bc
	PrcbNumber                 Field16 = 0x2be
	SizeEThread                Field16 = 0x2c0
	SizePcr                    Field16 = 0x2e0
	PcrSelfPcr                 Field16 = 0x2e2
	PcrCurrentPrcb             Field16 = 0x2e4
	PcrContainedPrcb           Field16 = 0x2e6
	PcrInitialStack            Field16 = 0x2ec
	PcrStackLimit              Field16 = 0x2ee
	PrcbProcStateSpecialReg    Field16 = 0x2f2
	SelectorR0Code             Field16 = 0x2f4
	SelectorR0Data             Field16 = 0x2f6
	SelectorR0Pcr              Field16 = 0x2f8
	SelectorR3Code             Field16 = 0x2fa
	SelectorR3Data             Field16 = 0x2fc
	SelectorR3Teb              Field16 = 0x2fe
	SelectorLdt                Field16 = 0x300
	SelectorTss                Field16 = 0x302
	PrcbContext                Field16 = 0x338
	PrcbIdleThread             Field16 = 0x350
	KThreadWaitReason          Field16 = 0x35c
)

// Fields of 4 bytes.
const (
	KThreadStackLimit     Field32 = 0x340
	KThreadStackBase      Field32 = 0x344
	KThreadQueueListEntry Field32 = 0x348
	EThreadIrpList        Field32 = 0x34c
)
