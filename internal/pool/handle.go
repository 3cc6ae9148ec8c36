package pool

import "fmt"

// Handle is a number in the process's handle table: a multiple of 4, never 0.
type Handle uint32

// NewHandle enters an object in the process's handle table. Handles are taken
// lowest first, as NT does.
func (p *Pool) NewHandle(object Addr, access uint32) (Handle, error) {
	p.mu.Lock()
	for _, a := range p.handles {
		t := At[HandleTable](p, a)
		if t.Count == handlesPerTable {
			continue
		}
		h, ok := t.take(object, access)
		if ok {
			p.hdr.HandleCount++
			p.mu.Unlock()
			return h, nil
		}
	}
	n := len(p.handles)
	p.mu.Unlock()
	t, a, err := New[HandleTable](p, TagHandle, 0)
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t.First = uint32(len(p.handles)) * handlesPerTable
	if len(p.handles) == 0 {
		p.hdr.HandleTable = a
	} else {
		At[HandleTable](p, p.handles[len(p.handles)-1]).Next = a
	}
	p.handles = append(p.handles, a)
	_ = n // another goroutine may have chained a table meanwhile: both stay
	h, ok := t.take(object, access)
	if !ok {
		return 0, fmt.Errorf("entering a handle: a new table has no room")
	}
	p.hdr.HandleCount++
	return h, nil
}

func (t *HandleTable) take(object Addr, access uint32) (Handle, bool) {
	for i := range t.Entries {
		if t.First == 0 && i == 0 {
			continue // handle 0 is none
		}
		if t.Entries[i].Object == 0 {
			t.Entries[i] = HandleEntry{Object: object, GrantedAccess: access}
			t.Count++
			return Handle((t.First + uint32(i)) * 4), true
		}
	}
	return 0, false
}

// entry finds a handle's entry; p.mu is held.
func (p *Pool) entry(h Handle) (*HandleTable, *HandleEntry) {
	i := uint32(h) / 4
	if h%4 != 0 || i/handlesPerTable >= uint32(len(p.handles)) {
		return nil, nil
	}
	t := At[HandleTable](p, p.handles[i/handlesPerTable])
	e := &t.Entries[i%handlesPerTable]
	if e.Object == 0 {
		return nil, nil
	}
	return t, e
}

// Lookup is the object of a handle.
func (p *Pool) Lookup(h Handle) (object Addr, access uint32, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, e := p.entry(h); e != nil {
		return e.Object, e.GrantedAccess, true
	}
	return 0, 0, false
}

// CloseHandle takes a handle out of the table. It tells whether it was there.
func (p *Pool) CloseHandle(h Handle) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, e := p.entry(h)
	if e == nil {
		return false
	}
	*e = HandleEntry{}
	t.Count--
	p.hdr.HandleCount--
	return true
}
