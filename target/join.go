package target

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/seed-eedd8485/lpc/isf"
)

// Join makes one target of several: cores of several processes, a snapshot and a
// core. An address belongs to the one of them that holds it (Holder), and if a
// process may not be read in one of them and may in another, to that one. Two that
// can read the same process cannot be joined. The result owns the targets and
// closes them; on an error they stay the caller's.
func Join(targets ...Target) (Target, error) {
	if len(targets) == 0 {
		return nil, errors.New("joining no targets")
	}
	if len(targets) == 1 {
		return targets[0], nil
	}
	j := &joined{all: targets}
	for i, t := range targets {
		if _, ok := t.(Holder); !ok {
			return nil, fmt.Errorf("%s cannot be joined with others: its addresses are not its own", t.Describe())
		}
		if t.PointerSize() != targets[0].PointerSize() {
			return nil, fmt.Errorf("%s has pointers of %d bytes, %s of %d: they cannot be joined", t.Describe(), t.PointerSize(), targets[0].Describe(), targets[0].PointerSize())
		}
		if err := j.meet(t, targets[:i]); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// meet finds a process of t that stands at an address of one of the others.
func (j *joined) meet(t Target, others []Target) error {
	if t.System() == nil {
		return nil
	}
	for p := range t.System().Processes() {
		for _, o := range others {
			if p.Addr != 0 && p.Err == nil && reads(o, p.Addr) {
				return fmt.Errorf("%s and %s both hold process %d: they cannot be joined", o.Describe(), t.Describe(), p.ID)
			}
		}
	}
	return nil
}

type joined struct{ all []Target }

var (
	_ Target    = (*joined)(nil)
	_ System    = (*joined)(nil)
	_ Records   = (*joined)(nil)
	_ Refresher = (*joined)(nil)
	_ Clock     = (*joined)(nil)
	_ Holder    = (*joined)(nil)
)

// at is the target that an address belongs to, nil when it is nobody's.
func (j *joined) at(addr uint64) (found Target) {
	for _, t := range j.all {
		switch {
		case !t.(Holder).Holds(addr):
		case found == nil:
			found = t
		case !reads(found, addr):
			found = t // the other merely knows of the process
		}
	}
	return found
}

// reads tells whether a target holds the address and may look into its process.
func reads(t Target, addr uint64) bool {
	if !t.(Holder).Holds(addr) {
		return false
	}
	if t.System() == nil {
		return true
	}
	p, err := t.System().Process(addr)
	return err == nil && p.Err == nil
}

func (j *joined) Holds(addr uint64) bool { return j.at(addr) != nil }

func (j *joined) ReadMemory(addr uint64, dst []byte) (int, error) {
	if t := j.at(addr); t != nil {
		return t.ReadMemory(addr, dst)
	}
	return 0, &Absent{Addr: addr, Why: "none of the joined targets holds it"}
}

func (j *joined) ReadRecord(addr uint64, dst []byte) (int, bool, error) {
	if t := j.at(addr); t != nil {
		return ReadRecord(t, addr, dst)
	}
	n, err := j.ReadMemory(addr, dst)
	return n, true, err
}

func (j *joined) Describe() string {
	l := make([]string, len(j.all))
	for i, t := range j.all {
		l[i] = t.Describe()
	}
	return strings.Join(l, "; ")
}

// Has is what all of them have.
func (j *joined) Has(c Capability) bool {
	for _, t := range j.all {
		if !t.Has(c) {
			return false
		}
	}
	return true
}

func (j *joined) Lacks(c Capability) string {
	for _, t := range j.all {
		if why := t.Lacks(c); why != "" {
			return why
		}
	}
	return ""
}

func (j *joined) Types(addr uint64) isf.Types {
	if t := j.at(addr); t != nil {
		return t.Types(addr)
	}
	return nil
}

func (j *joined) PointerSize() int { return j.all[0].PointerSize() }

func (j *joined) System() System {
	for _, t := range j.all {
		if t.System() == nil {
			return nil
		}
	}
	return j
}

// Now is the latest moment of them. Zero when one is not known: no age can then be
// told for all.
func (j *joined) Now() (now time.Time) {
	for _, t := range j.all {
		n := t.Now()
		if n.IsZero() {
			return n
		}
		if n.After(now) {
			now = n
		}
	}
	return now
}

func (j *joined) Time(process, ticks uint64) (time.Time, bool) {
	if t := j.at(process); t != nil {
		return Time(t, process, ticks)
	}
	return time.Time{}, false
}

func (j *joined) Refresh() error {
	for _, t := range j.all {
		if err := Refresh(t); err != nil {
			return err
		}
	}
	return nil
}

func (j *joined) Close() error {
	var errs []error
	for _, t := range j.all {
		errs = append(errs, t.Close())
	}
	return errors.Join(errs...)
}

// each walks the same iterator of every target.
func each[T any](j *joined, f func(System) iter.Seq[T]) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, t := range j.all {
			for v := range f(t.System()) {
				if !yield(v) {
					return
				}
			}
		}
	}
}

// of walks the iterator of the target that a process belongs to, or of all when
// the process is 0.
func of[T any](j *joined, p uint64, f func(System) iter.Seq[T]) iter.Seq[T] {
	if p == 0 {
		return each(j, f)
	}
	if r, err := j.Process(p); err == nil {
		if t := j.at(r.Addr); t != nil {
			return f(t.System())
		}
	}
	return func(func(T) bool) {}
}

// Processes leaves out who may not be read here and may in another target.
func (j *joined) Processes() iter.Seq[Process] {
	return func(yield func(Process) bool) {
		for _, t := range j.all {
			for p := range t.System().Processes() {
				if p.Err != nil && p.Addr != 0 && j.at(p.Addr) != t {
					continue
				}
				if !yield(p) {
					return
				}
			}
		}
	}
}

func (j *joined) Process(addr uint64) (Process, error) {
	if t := j.at(addr); t != nil {
		return t.System().Process(addr)
	}
	var found Process
	var first error
	for i, t := range j.all {
		p, err := t.System().Process(addr)
		if err == nil && p.Err == nil {
			return p, nil
		}
		switch {
		case i == 0:
			found, first = p, err
		case first != nil && err == nil:
			found, first = p, nil
		}
	}
	return found, first
}

func (j *joined) Threads(p uint64) iter.Seq[Thread] {
	return of(j, p, func(s System) iter.Seq[Thread] { return s.Threads(p) })
}

func (j *joined) Ports() (iter.Seq[Object], string) {
	var how []string
	for _, t := range j.all {
		if _, h := t.System().Ports(); h != "" {
			how = append(how, h)
		}
	}
	return each(j, func(s System) iter.Seq[Object] { l, _ := s.Ports(); return l }), strings.Join(how, "; ")
}

func (j *joined) Object(addr uint64) (Object, error) {
	if t := j.at(addr); t != nil {
		return t.System().Object(addr)
	}
	return Object{}, &Absent{Addr: addr, Why: "none of the joined targets holds it"}
}

func (j *joined) Handles(p uint64) iter.Seq[Handle] {
	return of(j, p, func(s System) iter.Seq[Handle] { return s.Handles(p) })
}

// Names yields a directory once, whichever of the targets have it.
func (j *joined) Names(dir string) iter.Seq[Object] {
	return func(yield func(Object) bool) {
		seen := map[string]bool{}
		for o := range each(j, func(s System) iter.Seq[Object] { return s.Names(dir) }) {
			if o.Addr == 0 && o.Err == nil {
				key := strings.ToLower(o.Path)
				if seen[key] {
					continue
				}
				seen[key] = true
			}
			if !yield(o) {
				return
			}
		}
	}
}

func (j *joined) Blocks(tag string) iter.Seq[Block] {
	return each(j, func(s System) iter.Seq[Block] { return s.Blocks(tag) })
}
