package ntdump

import "fmt"

// tib is where a thread's information block has the bounds of its user stack.
type tib struct{ base, limit int }

// winnt.h, NT_TIB: the list of exception handlers, StackBase, StackLimit; the first part
// of every TEB.
func tibOf(pointer int) tib { return tib{pointer, 2 * pointer} }

// UserStack are the bounds of the stack that a thread has in its process, of which limit
// is the lowest address that memory was given to so far: what its TEB says, which is the
// process's own to write. Of a Wow64 thread it is the 64-bit stack.
func (d *Dump) UserStack(t Thread) (limit, base uint64, err error) {
	if t.Teb == 0 {
		return 0, 0, fmt.Errorf("the thread at %#x has no user stack: its Teb is 0", t.Addr)
	}
	space, err := d.SpaceOf(t.Owner)
	if err != nil {
		return 0, 0, err
	}
	o := tibOf(d.PointerSize())
	if base, err = d.Pointer(space, t.Teb+uint64(o.base)); err == nil {
		limit, err = d.Pointer(space, t.Teb+uint64(o.limit))
	}
	switch {
	case err != nil:
		return 0, 0, fmt.Errorf("reading the TEB of the thread at %#x: %w", t.Addr, err)
	case limit >= base || limit < userStart || base > d.userEnd():
		return 0, 0, fmt.Errorf("the TEB of the thread at %#x says that its stack reaches from %#x to %#x, which no stack does", t.Addr, limit, base)
	}
	return limit, base, nil
}
