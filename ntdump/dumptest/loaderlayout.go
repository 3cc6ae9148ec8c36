package dumptest

// loaderMembers are the structures that a process's loader keeps in the process, and the
// first part of a thread's block there: by winternl.h and winnt.h, and by the public
// symbols of the builds for what these call reserved. The columns are those of members.
const loaderMembers = `
_PEB 210 230 358 7c8
 ImageBaseAddress 8 8 10 10
 Ldr c c 18 18
_PEB_LDR_DATA 28 28 48 58
 Length:4 0 0 0 0
 Initialized:1 4 4 4 4
 InLoadOrderModuleList c c 10 10
 InMemoryOrderModuleList 14 14 20 20
 InInitializationOrderModuleList 1c 1c 30 30
_WOW64_PROCESS - - 8 -
 Wow64 - - 0 -
_NT_TIB 1c 1c 38 38
 StackBase 4 4 8 8
 StackLimit 8 8 10 10
 Self 18 18 30 30
`
