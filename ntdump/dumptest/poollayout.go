package dumptest

// poolMembers are the structures of the pools, in the shape of members (reference 5.2;
// _MMPAGING_FILE as Microsoft's public symbols have it, by G. Chappell's study of it).
const poolMembers = `
_POOL_TRACKER_TABLE 1c 1c 28 -
 Key:4 0 0 0 -
 NonPagedAllocs:4 4 4 4 -
 NonPagedFrees:4 8 8 8 -
 NonPagedBytes c c 10 -
 PagedAllocs:4 10 10 18 -
 PagedFrees:4 14 14 1c -
 PagedBytes 18 18 20 -
_POOL_TRACKER_BIG_PAGES c 10 18 -
 Va 0 0 0 -
 Key:4 4 4 8 -
 NumberOfPages:4 8 8 c -
_POOL_DESCRIPTOR 1028 1030 1048 -
 PoolType:4 0 0 0 -
 PoolIndex:4 4 4 4 -
 RunningAllocs:4 8 8 8 -
 RunningDeAllocs:4 c c c -
 TotalPages:4 10 10 10 -
 TotalBigPages:4 14 14 14 -
 Threshold:4 18 18 18 -
_MMPAGING_FILE 44 3c 78 -
 Size 0 0 0 -
 MaximumSize 4 4 8 -
 MinimumSize 8 8 10 -
 FreeSpace c c 18 -
 PageFileName:0 30 28 50 -
`
