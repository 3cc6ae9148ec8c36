package target

import "time"

// Records is implemented by a Memory whose bytes may change while they are read,
// because their owner runs on.
type Records interface {
	Memory
	// ReadRecord reads the record that an iterator of System gave the address of
	// (the body of a pool block), again and again for a few times until nothing was
	// allocated or freed in its place meanwhile. whole is false when that did not
	// come about: the bytes may then be of two records. n and err are ReadMemory's.
	ReadRecord(addr uint64, dst []byte) (n int, whole bool, err error)
}

// ReadRecord reads a record by the memory's own ReadRecord where it has one. Of a
// memory that stands still every record is whole.
func ReadRecord(m Memory, addr uint64, dst []byte) (n int, whole bool, err error) {
	if r, ok := m.(Records); ok {
		return r.ReadRecord(addr, dst)
	}
	n, err = m.ReadMemory(addr, dst)
	return n, true, err
}

// Refresher is implemented by a target that changes: Refresh looks for processes
// and memory that came, and lets go of those that went. A session calls it before
// each command, and a command between two passes over the same edges. Without a
// call the set of processes stays; their bytes are read anew in any case.
type Refresher interface {
	Refresh() error
}

// Refresh refreshes a target that can be.
func Refresh(t Target) error {
	if r, ok := t.(Refresher); ok {
		return r.Refresh()
	}
	return nil
}

// Clock is implemented by a target whose records carry a process's tick counter.
type Clock interface {
	// Time turns a tick count of the process at that address into a time. ok is
	// false where the process's clock is not known.
	Time(process, ticks uint64) (at time.Time, ok bool)
}

// Time asks the target's clock, if it has one.
func Time(t Target, process, ticks uint64) (at time.Time, ok bool) {
	if c, is := t.(Clock); is {
		return c.Time(process, ticks)
	}
	return time.Time{}, false
}

// Holder is implemented by a target that knows which addresses are its own,
// whether or not there is memory. Join needs it.
type Holder interface {
	Holds(addr uint64) bool
}
