package elfcore

import (
	"debug/elf"
	"fmt"
	"maps"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

// Format recognises an ELF core file.
var Format = target.Format{
	Name: "ELF core",
	Match: func(head []byte) bool {
		// Whatever its class: Open says what it is that it does not read.
		return len(head) >= 18 && string(head[:4]) == elf.ELFMAG && head[16] == byte(elf.ET_CORE)
	},
	Open: target.Opener(Open),
}

// Target is an open core file. It is for one goroutine at a time.
type Target struct {
	*lpcpool.View
	f     *os.File
	path  string
	facts *facts
	core  *core
	taken time.Time
}

var _ target.Target = (*Target)(nil)

// Open opens a core file. One without a pool is an error that says what may have
// kept it out.
func Open(path string) (*Target, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening a core: %w", err)
	}
	t := &Target{f: f, path: path}
	if err := t.read(); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("opening core %s: %w", path, err)
	}
	return t, nil
}

func (t *Target) read() error {
	st, err := t.f.Stat()
	if err != nil {
		return err
	}
	if t.core, err = parse(t.f, st.Size()); err != nil {
		return err
	}
	t.facts, t.taken = t.core.facts(), st.ModTime()
	bases := t.core.bases(t.facts)
	if err := t.core.held(bases, t.facts); err != nil {
		return err
	}
	t.View = lpcpool.New(t.assign(t.core.pools(bases, t.facts.pid)))
	return nil
}

// held is the sentence for a core in which no byte of a pool is.
func (c *core) held(bases []uint64, f *facts) error {
	var b [1]byte
	why := ""
	for _, base := range bases {
		n := 0
		if n, why = c.read(b[:], base); n > 0 {
			return nil
		}
	}
	who := "the process"
	if f.pid != 0 {
		who = fmt.Sprintf("process %d (%s)", f.pid, f.command)
	}
	switch {
	case why == notDumped:
		return fmt.Errorf("%s had a pool, but the core holds nothing of it: bit 1 (shared anonymous memory) of /proc/PID/coredump_filter was not set, see core(5)", who)
	case len(bases) > 0:
		return fmt.Errorf("%s had a pool, but the core holds nothing of it: %s", who, why)
	case f.err != nil:
		return fmt.Errorf("no pool was found in it, and its notes cannot be read: %w", f.err)
	}
	return fmt.Errorf("%s has no pool in it: it did not use lpc (a Go process leaves a core only under GOTRACEBACK=crash: is this the right one?)", who)
}

// assign makes pools of what was found. A process that was forked holds the pool
// of its parent beside its own.
func (t *Target) assign(found map[uint32]map[uint32]lpcpool.Bytes) (l []*lpcpool.Pool) {
	f := t.facts
	for _, number := range slices.Sorted(maps.Keys(found)) {
		if len(found) > 1 && found[f.pid] != nil && number != f.pid {
			continue
		}
		p := &lpcpool.Pool{Number: number, Extents: found[number], Process: target.Process{ID: number}}
		if number == f.pid || len(found) == 1 {
			// Another number: the process was in a pid namespace of its own.
			p.Process = target.Process{ID: f.pid, Image: f.command}
			if f.pid == 0 {
				p.Process.ID = number // no note says
			}
		}
		if first := p.Extents[0]; first != nil {
			p.Process.Parent = lpcpool.ParentID(first)
		}
		l = append(l, p)
	}
	return l
}

// Describe is target.Target's. A core has no time in it: the file's is told.
func (t *Target) Describe() string {
	f := t.facts
	machine := map[elf.Machine]string{elf.EM_X86_64: "x86_64", elf.EM_AARCH64: "aarch64"}[t.core.file.Machine]
	who := "a process without a note of its name"
	if f.pid != 0 {
		who = fmt.Sprintf("process %d (%s)", f.pid, f.command)
	}
	end := "taken while it ran"
	if f.signal != 0 {
		end = fmt.Sprintf("ended by signal %d (%s)", f.signal, syscall.Signal(f.signal))
	}
	s := fmt.Sprintf("core %s of %s, %s, %s, file written %s", t.path, who, machine, end, t.taken.Format(time.RFC3339))
	if f.err != nil {
		s += fmt.Sprintf("; its notes are damaged (%v)", f.err)
	}
	return s
}

// Now is when the file was written last: the nearest that a core tells.
func (t *Target) Now() time.Time { return t.taken }

// Close closes the file.
func (t *Target) Close() error { return t.f.Close() }
