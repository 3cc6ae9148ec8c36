package bootcode

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/bootsec/x86dec"
)

// MaxCode is the most code that Analyze takes: boot code ends with the track
// that the BIOS or a boot loader reads, and offsets have 16 bits.
const MaxCode = 0x8000

// LoadAddress is where a BIOS puts sector 0 and starts it.
const LoadAddress = 0x7c00

// Options says what the bytes are.
type Options struct {
	// Load is the linear address to which the code is loaded, in segment 0;
	// LoadAddress if zero.
	Load uint16
	// Table says that the bytes are a master boot record, or the code part of
	// one: 1BE to 1FD is a partition table, and 1B8 a disk signature.
	Table bool
	// MaxSteps bounds the walk; maxSteps if zero.
	MaxSteps int
}

// Node is an instruction that can be reached.
type Node struct {
	Linear uint32      // address where it runs
	Seg    uint16      // the same as seg:off
	Off    uint16      //
	Offset int         // within the sector
	Inst   x86dec.Inst //
	Next   []Edge      // where control goes, in the order found
	Notes  []string    // BIOS services, strings, what is copied

	groups []group // what is known before it
}

// EdgeKind says how control gets from one instruction to another.
type EdgeKind string

// Kinds of edges.
const (
	Fall   EdgeKind = "next"   // to the instruction behind
	Taken  EdgeKind = "branch" // a branch taken, or a jump
	Called EdgeKind = "call"
	Back   EdgeKind = "return" // to a return address that was on the stack
	Hook   EdgeKind = "hook"   // to what an interrupt vector was set to
)

// Edge leads to another instruction.
type Edge struct {
	Kind EdgeKind
	To   uint32 // linear
}

// Code is what Analyze found.
type Code struct {
	Data      []byte         // the bytes, a copy
	Load      uint16         // where they are loaded
	Table     bool           // a partition table stands at 1BE
	Nodes     []*Node        // by address
	Copies    []Copy         // moves of the code by itself
	Services  []Service      // BIOS calls, by address
	Reads     []DiskTransfer // disk reads and writes
	Exits     []Exit         // where control leaves the bytes
	Strings   []Text         // printable strings
	Messages  []Text         // named by the three offsets at 1B5
	Bad       []BadCode      // reachable bytes that are no instruction
	Known     *Recognition   // nil if unknown
	Verdict   []string       // what it does, in sentences
	Truncated bool           // the walk was stopped at its bound

	steps int // instructions looked at, again and again
	given int // bytes given; a code part alone is extended to a sector
	facts facts
	nodes map[uint32]*Node
}

// BadCode is a place that can be reached, but does not decode.
type BadCode struct {
	Linear uint32 `json:"address"`
	Text   string `json:"text"`
}

// Analyze takes the boot code in data apart. The error says that data is empty
// or too long; odd code is no error.
func Analyze(data []byte, o Options) (*Code, error) {
	if len(data) == 0 || len(data) > MaxCode {
		return nil, fmt.Errorf("analysing boot code: %d bytes given, expected 1 to %d", len(data), MaxCode)
	}
	if o.Load == 0 {
		o.Load = LoadAddress
	}
	if o.MaxSteps == 0 {
		o.MaxSteps = maxSteps
	}
	c := &Code{Data: append([]byte(nil), data...), Load: o.Load, Table: o.Table, given: len(data), nodes: map[uint32]*Node{}}
	if c.Table && len(data) < sectorBytes {
		c.Data = append(c.Data, make([]byte, sectorBytes-len(data))...)
	}
	w := &walk{
		Code: c, left: o.MaxSteps,
		image: image{data: c.Data, table: c.Table, regions: []region{{linear: uint32(o.Load), n: len(c.Data)}}},
	}
	w.run()
	c.Known = Recognise(data)
	c.findStrings()
	c.Verdict = c.verdict()
	return c, nil
}

// Node returns the instruction at a linear address, or nil.
func (c *Code) Node(linear uint32) *Node { return c.nodes[linear] }

// Entry returns the address at which the code starts.
func (c *Code) Entry() uint32 { return uint32(c.Load) }

// LoadedAt returns where the bytes that run at an address were loaded.
func (n *Node) LoadedAt(c *Code) uint32 { return uint32(c.Load) + uint32(n.Offset) }
