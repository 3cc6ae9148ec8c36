package picture

import (
	"time"

	"github.com/seed-eedd8485/lpc/kd/census"
)

// Limit is how many nodes (processes, ports, waiting threads) a picture shows one by
// one: about as many as a reader can follow.
const Limit = 50

// OldAge is from when on a wait, or a port's oldest message, is marked: !stuck's.
const OldAge = 5 * time.Second

// A Picture is boxes and the edges between them.
type Picture struct {
	Summary  string   // what was counted, one line
	Verdicts []string // cycles, one line each, the worst first
	Proved   bool     // the first verdict is of a proved cycle
	Notes    []string // what was joined, what could not be read
	Boxes    []Box
	Edges    []Edge
}

// A Mark says how bad a box, line or edge is; a larger one is worse.
type Mark uint8

// The marks.
const (
	Plain    Mark = iota
	Old           // older than 5 seconds
	Possible      // in a cycle that is possible only
	Proved        // in a proved cycle
)

// A Box is a process, or several.
type Box struct {
	Processes []uint32 // ids
	Head      string
	Note      string // why it may not be read
	Mark      Mark
	Rows      []Row
}

// Kind is what a row or an edge stands for.
type Kind uint8

// The kinds.
const (
	PortRow Kind = iota
	Wait
	Connection
)

func (k Kind) String() string { return [...]string{"port", "wait", "connection"}[k] }

// A Row is a line of a box: a port, a thread that waits, or a connection.
type Row struct {
	Kind Kind
	Text string
	Dim  string // the rest of the line, less important
	Tip  string // all of it, where the line is shortened
	Mark Mark
}

// An Edge leads from a row to a row; -1 is the box's head.
type Edge struct {
	Kind           Kind
	From, To       int // boxes
	FromRow, ToRow int
	Mark           Mark
	Unsure         bool // only one end says it
}

// Build makes a picture with at most limit nodes, and more where a cycle has more.
func Build(c *census.Census, limit int) *Picture {
	b := newBuilder(c)
	for stage := eachOne; ; stage++ {
		p := b.build(stage, limit)
		if stage == theRest || b.nodes(p, stage) <= limit {
			b.words(p, stage)
			return p
		}
	}
}
