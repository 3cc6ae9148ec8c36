package lpcpool

import (
	"encoding/binary"

	"github.com/seed-eedd8485/lpc/internal/pool"
)

// The places that a reader must know before it has the type description. They are
// the same in every version of the pool; a test holds them against internal/pool.
const (
	poolShift    = 40
	offsetMask   = 1<<poolShift - 1
	extentHeader = 0x40 // sizeof ExtentHeader: the first block's header stands here
	blockHeader  = 0x20 // sizeof BlockHeader
	blockAlign   = 0x40
	maxExtents   = 4 << 30 / pool.ExtentSize // internal/pool reserves 4 GiB
	headerBody   = extentHeader + blockHeader
	pageSize     = 0x1000
	pages        = pool.ExtentSize / pageSize

	headerVersion     = 0x00 // of Header
	headerExtents     = 0x0c // how many extents
	headerStartTime   = 0x10 // of the process, clock ticks after boot
	headerTypes       = 0x18 // address of the description
	headerTypesLength = 0x20
	headerParent      = 0x74 // pid of the parent
	headerFixed       = 0x78 // so many bytes of it are read here

	maxTypes = pool.ExtentSize // bytes of a description: it stands in one block
)

var le = binary.LittleEndian

// extentHead is an ExtentHeader.
type extentHead struct {
	magic uint64
	pool  uint32
	index uint32
	size  uint64
	tail  uint64
}

// parseExtent reads an extent's header; ok: its fields are possible.
func parseExtent(b []byte) (h extentHead, ok bool) {
	if len(b) < extentHeader {
		return h, false
	}
	h = extentHead{le.Uint64(b), le.Uint32(b[8:]), le.Uint32(b[12:]), le.Uint64(b[16:]), le.Uint64(b[24:])}
	return h, h.magic == pool.ExtentMagic && h.pool != 0 && h.pool < 1<<(64-poolShift) && h.index < maxExtents &&
		h.size == pool.ExtentSize && h.tail >= extentHeader && h.tail <= pool.ExtentSize && h.tail%blockAlign == 0
}

// blockHead is a BlockHeader.
type blockHead struct {
	magic    uint32
	size     uint32
	tag      [4]byte
	state    uint32
	owner    uint64
	sequence uint64
}

// parseBlock reads the header of a block with room bytes from there to the end of
// its extent; ok: its fields are possible.
func parseBlock(b []byte, room uint64) (h blockHead, ok bool) {
	if len(b) < blockHeader {
		return h, false
	}
	h = blockHead{
		magic: le.Uint32(b), size: le.Uint32(b[4:]), tag: [4]byte(b[8:12]), state: le.Uint32(b[12:]),
		owner: le.Uint64(b[16:]), sequence: le.Uint64(b[24:]),
	}
	return h, h.magic == pool.BlockMagic && h.size >= blockAlign && h.size%blockAlign == 0 && uint64(h.size) <= room &&
		(h.state == pool.BlockAllocated || h.state == pool.BlockFree)
}

// Identify reads which pool an extent says that it belongs to, and its place in
// it. ok is false when its header is damaged.
func Identify(b Bytes) (number, index uint32, ok bool) {
	var head [extentHeader]byte
	if n, _ := b.ReadAt(head[:], 0); n < len(head) {
		return 0, 0, false
	}
	h, ok := parseExtent(head[:])
	return h.pool, h.index, ok
}

// StartTime reads when the process of a pool was started, in clock ticks after
// boot, from the pool's first extent. ok is false when that is damaged.
func StartTime(b Bytes) (ticks uint64, ok bool) {
	head, ok := poolHeader(b)
	return le.Uint64(head[headerStartTime:]), ok
}

// ParentID reads the pid of the parent that a pool's process had, 0 when the first
// extent is damaged.
func ParentID(b Bytes) uint32 {
	head, _ := poolHeader(b)
	return le.Uint32(head[headerParent:])
}

// poolHeader reads the front of a pool's header from its first extent.
func poolHeader(b Bytes) (head [headerFixed]byte, ok bool) {
	var all [headerBody + headerFixed]byte
	if n, _ := b.ReadAt(all[:], 0); n < len(all) {
		return head, false
	}
	h, ok := parseBlock(all[extentHeader:], pool.ExtentSize-extentHeader)
	if !ok || h.tag != pool.TagPool || le.Uint32(all[headerBody+headerVersion:]) == 0 {
		return head, false
	}
	return [headerFixed]byte(all[headerBody:]), true
}
