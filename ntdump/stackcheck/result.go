package stackcheck

import (
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/stack"
)

// Verdict is what a check came to.
type Verdict string

// Verdicts.
const (
	Overflow  Verdict = "kernel stack overflow"
	Other     Verdict = "another cause than the stack"
	Hardware  Verdict = "a stack pointer with one wrong bit: suspect hardware"
	Corrupt   Verdict = "a stack pointer outside every known stack: corruption"
	NotACase  Verdict = "not a stack case"
	Undecided Verdict = "not decided"
)

// Confidence is how much a verdict rests on.
type Confidence string

// Confidences.
const (
	High   Confidence = "high"
	Medium Confidence = "medium"
	Low    Confidence = "low"
)

// Use is how much of a stack something took.
type Use struct {
	Name  string // module+offset, or a module
	Bytes uint64
	Count int // frames
}

// Cycle is a repeating sequence of return addresses: recursion.
type Cycle struct {
	Places []string // one round, innermost first
	Rounds int
	Bytes  uint64 // of all rounds
}

// Result is what Check found. It does not change afterwards.
type Result struct {
	Code       uint32 // of the bug check, without the _M bit
	Class      string // what kind of case it is, in words
	Verdict    Verdict
	Confidence Confidence
	Evidence   []string // one sentence each

	Thread ntdump.Thread // 0 where not known
	State  string        // where the registers come from: "task state segment 28"
	PC, SP uint64        // interrupted; 0 where not known
	Limit  uint64        // bounds of the stack that SP was held against
	Base   uint64
	Used   uint64 // bytes from SP to Base, at most Base-Limit
	BStore *BStore

	Walk      stack.Walk
	Largest   []Use // the five largest frames
	Large     []Use // frames of more than 400h bytes
	Modules   []Use // totals by module, most first
	Recursion *Cycle

	guard uint64 // bytes of a guard page
}

// BStore is an Itanium's backing store, which grows up.
type BStore struct {
	Base, Limit uint64
	Pointer     uint64 // BSP when interrupted; 0 where not known
	Used        uint64 // bytes from Base to Pointer
	From        string // what told the limit
}

// Percent is how much of the backing store is used.
func (b *BStore) Percent() uint64 {
	if b.Limit <= b.Base {
		return 0
	}
	return b.Used * 100 / (b.Limit - b.Base)
}

// Percent is how much of the stack is used.
func (r *Result) Percent() uint64 {
	if r.Base <= r.Limit {
		return 0
	}
	return r.Used * 100 / (r.Base - r.Limit)
}

// Thresholds of the debugger reference, section 2.
const (
	nearBytes  = 0x200 // above the limit: the next push did not fit
	largeFrame = 0x400
	topFrames  = 5
	maxFrames  = 4096
)

// guardBytes is a page: what is not mapped below the limit.
func guardBytes(m ntdump.Machine) uint64 {
	if m == ntdump.IA64 {
		return 0x2000
	}
	return 0x1000
}

// sizes are those that kernel stacks have.
var sizes = map[uint64]bool{0x3000: true, 0x6000: true, 0x8000: true, 0xf000: true, 0x12000: true}

// maxLarge is how far a large stack grows, in whole pages (reference 1.5).
func maxLarge(m ntdump.Machine) uint64 {
	if m == ntdump.X86 {
		return 0xf000
	}
	return 0x12000
}

// usual says whether a kernel stack of Windows can have that size.
func usual(m ntdump.Machine, s ntdump.Stack) bool {
	size := s.Size()
	return sizes[size] || s.Large && size%0x1000 == 0 && size > 0x3000 && size <= maxLarge(m)
}
