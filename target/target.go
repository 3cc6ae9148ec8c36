package target

import (
	"fmt"
	"iter"
	"time"

	"github.com/seed-eedd8485/lpc/isf"
)

// Memory is an address space of a target.
type Memory interface {
	// ReadMemory fills dst with the bytes at addr on. It returns how many bytes
	// from the start are there; fewer than len(dst) come with an *Absent for the
	// first that is not. dst behind n is unchanged.
	ReadMemory(addr uint64, dst []byte) (n int, err error)
}

// Absent says which byte is not there and why.
type Absent struct {
	Addr uint64
	Why  string // "paged out", "not in the dump", "never used", "process 12 may not be read"
}

// Error is a sentence.
func (e *Absent) Error() string { return fmt.Sprintf("no memory at %#x: %s", e.Addr, e.Why) }

// Capability is something that a command needs and a target may lack.
type Capability uint32

const (
	Objects    Capability = 1 << iota // ports, their names, handles and types: System
	Threads                           // thread records and what they wait for
	Pools                             // blocks by tag
	Stacks                            // stack memory or recorded stacks
	Registers                         // a saved context
	Modules                           // a list of loaded images
	PageTables                        // physical memory and translation
	Physical                          // physical memory
	Symbols                           // names of code and globals
	Disk                              // sectors
)

// A Target is one thing that kd was told to open. Several are joined by Join.
type Target interface {
	Memory
	// Describe is one line for people: what this is, of which machine, from when.
	Describe() string
	// Has tells whether all the capabilities are there.
	Has(Capability) bool
	// Lacks is the sentence for the first of the capabilities that is missing:
	// "a triage dump holds no page tables". "" when none is.
	Lacks(Capability) string
	// Types is the description of the structures at addr: a process's own pool
	// carries its own. nil when there is none.
	Types(addr uint64) isf.Types
	// PointerSize is 4 or 8, the width in which addresses are printed.
	PointerSize() int
	// System is the view of processes, threads and objects, nil without Objects.
	System() System
	// Now is the target's moment: the wall clock of a live one, the time at which
	// a file was taken. The zero time when it is not known.
	Now() time.Time
	Close() error
}

// System is the operating system that stands in a target's memory: NT's kernel in
// a dump, the pools of our processes elsewhere. Addresses are the target's own.
// Iterators are bounded, skip nothing silently (what cannot be read is yielded with
// Err set), and may stop early.
type System interface {
	Processes() iter.Seq[Process]
	// Process is the one at that address, or with that id when addr is below 2^32
	// and no process stands there.
	Process(addr uint64) (Process, error)
	// Threads of a process, or of all when p is 0.
	Threads(p uint64) iter.Seq[Thread]
	// Ports are all objects of the types Port and WaitablePort. how says by which
	// way they were found when it is not the type's own list.
	Ports() (ports iter.Seq[Object], how string)
	// Object describes the object whose body stands at addr.
	Object(addr uint64) (Object, error)
	// Handles of a process in order.
	Handles(p uint64) iter.Seq[Handle]
	// Names walks the namespace below a directory path; "" is the root.
	Names(dir string) iter.Seq[Object]
	// Blocks are the pool blocks with that tag ("" for all), of all pools.
	Blocks(tag string) iter.Seq[Block]
}

// Process is a process of the target.
type Process struct {
	Addr   uint64 // of its _EPROCESS, or of its pool's header
	ID     uint32
	Parent uint32
	Image  string
	Start  time.Time // zero when not known
	Err    error     // why it cannot be looked into; ID and Image are set as far as known
}

// Thread is a thread of the target; the fields of its record are read by types
// (_ETHREAD at Addr).
type Thread struct {
	Addr    uint64
	Process uint64 // address of its process
	ID      uint64
	Err     error
}

// Object is a named or unnamed object.
type Object struct {
	Addr      uint64 // of the body
	Type      string // "Port", "WaitablePort", "Section", "Directory"
	TypeAddr  uint64 // of the type object, 0 where there is none
	Header    uint64 // of its header, 0 where there is none
	NewHeader bool   // Windows 7 and later ("new version")
	Name      string // last component, "" when it has none
	Path      string // with its directories, "" when not known
	Directory uint64 // of the directory object, 0 when not known
	Process   uint64 // that it belongs to, where the system knows
	Handles   int64
	Pointers  int64
	Err       error
}

// Handle is one entry of a process's handle table.
type Handle struct {
	Value   uint64
	Object  uint64 // 0: the entry is free
	Access  uint32
	Flags   string // "Inherit", "Protected", "Audit", joined by a bar
	Entry   uint64 // address of the entry
	Next    uint64 // value of the next free one, for a free entry
	Err     error
	Process uint64
}

// Block is an allocation in a pool.
type Block struct {
	Addr      uint64 // of its header
	Body      uint64 // of its data
	Size      uint64 // bytes with its header
	Previous  uint64 // bytes of the block in front, where known
	Tag       [4]byte
	Allocated bool
	Paged     bool
	Protected bool   // its tag must be named to free it (NT)
	Quota     bool   // charged to the process that Owner names (NT)
	Big       bool   // an allocation of whole pages, which has no header: Addr is Body
	Owner     uint64 // object or process that it belongs to, 0 when not known
	Process   uint64
	Err       error
}
