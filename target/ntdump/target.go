package ntdump

import (
	"errors"
	"time"

	"github.com/seed-eedd8485/lpc/isf"
	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/object"
	"github.com/seed-eedd8485/lpc/target"
)

// Target is a Windows dump as kd sees it. It is for one goroutine at a time.
type Target struct {
	d     *nt.Dump
	path  string   // "" for a dump that is no file
	space nt.Space // that user addresses are read in

	list      []target.Process // all processes, read with listTypes; nil: not read yet
	listTypes isf.Types

	pool        poolReader
	objects     *object.Reader // by objectTypes; nil: not made yet
	objectTypes isf.Types
	ports       *foundPorts // by the same types; nil: not looked for yet
}

var (
	_ target.Target = (*Target)(nil)
	_ target.System = (*Target)(nil)
	_ target.Clock  = (*Target)(nil)
)

// New makes a target of an open dump, which becomes the target's to close.
func New(d *nt.Dump) *Target { return &Target{d: d} }

// Dump is the dump itself: for what no other kind of target has.
func (t *Target) Dump() *nt.Dump { return t.d }

// Close closes the dump.
func (t *Target) Close() error { return t.d.Close() }

// ReadMemory is target.Memory's. Kernel addresses are the same in every process;
// user addresses are those of the process that Use named, else of the one that ran.
func (t *Target) ReadMemory(addr uint64, dst []byte) (int, error) {
	return Space{t.d, t.space}.ReadMemory(addr, dst)
}

// Space is the memory of one address space of a dump.
type Space struct {
	Dump  *nt.Dump
	Space nt.Space
}

// ReadMemory is target.Memory's.
func (s Space) ReadMemory(addr uint64, dst []byte) (int, error) {
	n, err := s.Dump.ReadVirtual(s.Space, addr, dst)
	return n, absent(addr+uint64(n), err)
}

// absent carries over why a byte is not there.
func absent(at uint64, err error) error {
	var a *nt.Absent
	switch {
	case err == nil:
		return nil
	case errors.As(err, &a) && !a.Physical:
		return &target.Absent{Addr: a.Addr, Why: a.Reason.String()}
	case errors.As(err, &a):
		return &target.Absent{Addr: at, Why: a.Reason.String()}
	}
	return &target.Absent{Addr: at, Why: err.Error()} // the file itself cannot be read
}

// Use makes user addresses those of the process whose _EPROCESS stands at addr; 0 is
// the one that ran when the dump was written.
func (t *Target) Use(addr uint64) error {
	if addr == 0 {
		t.space = nt.Space{}
		return nil
	}
	space, err := t.d.SpaceOf(addr)
	if err == nil {
		t.space = space
	}
	return err
}

// Types is the description of the kernel's structures, the same for every address.
func (t *Target) Types(uint64) isf.Types { return t.d.Types() }

// PointerSize is target.Target's.
func (t *Target) PointerSize() int { return t.d.PointerSize() }

// System is target.Target's. It is there without Objects too, for the threads that
// every dump but a bare header has.
func (t *Target) System() target.System { return t }

// Now is when the dump was written, by the machine's clock.
func (t *Target) Now() time.Time { return t.d.Header().Time }
