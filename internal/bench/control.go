package bench

import (
	"github.com/seed-eedd8485/lpc/internal/bench/latency"
	"github.com/seed-eedd8485/lpc/internal/bench/load"
)

// The environment of a child.
const (
	// RoleEnv makes the binary a child: "server", "client" or "hog".
	RoleEnv = "LPC_BENCH_ROLE"

	roleServer = "server"
	roleClient = "client"
	roleHog    = "hog"
)

// The orders of the parent. Each is one JSON object on the child's stdin, and
// each is answered with one on its stdout; end of file ends the child.
const (
	opStart   = "start"   // both: which system, where, by which clock; a server serves
	opSettle  = "settle"  // both: collect garbage and give free memory back
	opUsage   = "usage"   // both: the CPU time so far
	opPrepare = "prepare" // client: connect and warm up for Spec
	opMeasure = "measure" // client: the measured part
	opBurst   = "burst"   // client: many callers on N of the idle connections
	opClose   = "close"   // client: end the job's connections
	opStop    = "stop"    // server: stop serving
)

// order is what the parent says.
type order struct {
	Op     string
	System string        `json:",omitempty"`
	Addr   string        `json:",omitempty"`
	Clock  latency.Clock `json:",omitzero"`
	Spec   *load.Spec    `json:",omitempty"`
	N      int           `json:",omitempty"`
}

// answer is what a child says. Err is for people: a child's errors are not
// told apart by the parent.
type answer struct {
	Err    string       `json:",omitempty"`
	CPU    float64      `json:",omitempty"` // seconds
	Result *load.Result `json:",omitempty"`
}
