// Package snapshot is the pools of one or many processes in one compressed file:
// what lpc snapshot writes and kd -z reads, on another machine and by another
// version if need be, since each pool carries its own type description.
//
// The file, all numbers little-endian:
//
//	magic    8  "LPCSNAP" and a zero byte
//	version  4  1
//	         4  0
//	chunks      each a header of 32 bytes and a zstd frame
//
//	chunk header:
//	magic    4  "LPCK"
//	kind     4  1 info, 2 process, 3 extent, 4 end
//	pool     4  pool number, of a process and of an extent
//	index    4  of an extent: its index in the pool
//	packed   4  bytes of the zstd frame behind the header
//	plain    4  bytes of its content
//	crc      4  CRC-32C of the zstd frame
//	check    4  CRC-32C of the header's first 28 bytes
//
// Info and process chunks are JSON (Info, process). An extent's content is two
// bitmaps of its 64 pages (8 bytes each: pages that follow, pages that could not be
// read), the number of torn blocks (4) and 4 of zero, the offsets of their headers
// (4 each), and the pages that follow (4096 each). A page in neither bitmap was
// never written. The end chunk is empty; a file without it was cut short.
//
// The info chunk comes first, all process chunks next, then extents, each frame on
// its own: a file that was cut short names every process and holds what extents are
// whole; Describe and the reason of each absent byte say what is lost. A kind of
// chunk that a reader does not know is passed over.
//
// The reader takes the file for hostile: every length has a limit, and a frame is
// unpacked only into the size that its header may promise.
//
// What never stands here: what the bytes mean (target/lpcpool), and running
// processes (target/live).
package snapshot
