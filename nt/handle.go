package nt

import (
	"sync"
	"sync/atomic"

	"github.com/seed-eedd8485/lpc/internal/engine"
	"github.com/seed-eedd8485/lpc/section"
)

// kind is what a handle stands for.
type kind uint8

const (
	portObject kind = iota + 1
	waitablePortObject
	sectionObject
)

// An object is what handles of the process stand for; several may stand for one.
type object struct {
	kind    kind
	eng     engine.Object // of ports
	section *sharedSection
	views   []*section.Section // of a communication port: its own and the other end's
	offered int                // descriptor of the view offered while it connects, 0: none
	handles atomic.Int32
	holds   atomic.Int32 // handles, and threads that registered with the port
}

// unmap takes the port's views away: the port is gone.
func (o *object) unmap() {
	for _, v := range o.views {
		_ = v.Unmap()
	}
}

func (o *object) conn() *engine.Conn { c, _ := o.eng.(*engine.Conn); return c }
func (o *object) port() *engine.Port { p, _ := o.eng.(*engine.Port); return p }

func (o *object) isPort() bool { return o.kind == portObject || o.kind == waitablePortObject }

// An entry is a handle's.
type entry struct {
	o      *object
	access uint32
}

// handles are the entries by handle number, which the engine's table in the pool gives
// out. Readers take no lock: they load the slice and then the entry.
var handles struct {
	mu   sync.Mutex
	list atomic.Pointer[[]atomic.Pointer[entry]]
}

// enter makes h a handle of o.
func enter(h uint32, o *object, access uint32) Handle {
	o.handles.Add(1)
	o.holds.Add(1)
	return place(h, o, access)
}

// place is enter where the handle is counted already.
func place(h uint32, o *object, access uint32) Handle {
	handles.mu.Lock()
	defer handles.mu.Unlock()
	i := int(h / 4)
	list := handles.list.Load()
	if list == nil || i >= len(*list) {
		grown := make([]atomic.Pointer[entry], max(64, 2*i))
		if list != nil {
			for k := range *list {
				grown[k].Store((*list)[k].Load())
			}
		}
		handles.list.Store(&grown)
		list = &grown
	}
	(*list)[i].Store(&entry{o, access})
	return Handle(h)
}

// lookup finds a handle's entry, nil: it is none.
func lookup(h Handle) *entry {
	list := handles.list.Load()
	if i := h / 4; list != nil && h != 0 && h%4 == 0 && i < Handle(len(*list)) {
		return (*list)[i].Load()
	}
	return nil
}

// port finds a port by its handle.
func port(h Handle) (*object, Status) { return portWith(h, 0) }

// portWith is port for calls that need rights of the handle, PORT_ALL_ACCESS mostly. The
// handle is looked up once: another thread may close it at any time. With
// StatusAccessDenied the port comes too.
func portWith(h Handle, access uint32) (*object, Status) {
	e := lookup(h)
	switch {
	case e == nil:
		return nil, StatusInvalidHandle
	case !e.o.isPort():
		return nil, StatusObjectTypeMismatch
	case e.access&access != access:
		return e.o, StatusAccessDenied
	}
	return e.o, StatusSuccess
}

// serverEnd finds a server communication port by a handle with all rights.
func serverEnd(h Handle) (*engine.Conn, Status) {
	o, s := portWith(h, PortAllAccess)
	if s != StatusSuccess {
		return nil, s
	}
	c := o.conn()
	if c == nil || !c.Server() {
		return nil, StatusInvalidPortHandle
	}
	return c, StatusSuccess
}

// open makes the object that of a connection's end, and enters its handle.
func (o *object) open(c *engine.Conn) Handle {
	if o.eng = c; engine.Waitable(c) {
		o.kind = waitablePortObject
	}
	return enter(c.Number(), o, PortAllAccess)
}

// keep keeps a view of the other end's, where there is one, as long as the port.
func (o *object) keep(v *section.Section) {
	if v != nil {
		o.views = append(o.views, v)
	}
}

// NtClose closes a handle. With a port's last handle the port goes: a connection port
// loses its name, a communication port ends its connection.
func (t *Thread) NtClose(h Handle) Status {
	handles.mu.Lock()
	e := lookup(h)
	if e == nil {
		handles.mu.Unlock()
		return StatusInvalidHandle
	}
	(*handles.list.Load())[h/4].Store(nil)
	handles.mu.Unlock()
	if e.o.kind == sectionObject {
		e.o.section.rec.CloseHandle(uint32(h))
	} else {
		engine.CloseHandle(e.o.eng, uint32(h))
	}
	e.o.lose(t)
	return StatusSuccess
}

// share counts one handle more of the object that h stands for, before it is made: so
// that the object does not go meanwhile. false: h was closed, e is not its entry any more.
func (e *entry) share(h Handle) bool {
	handles.mu.Lock()
	defer handles.mu.Unlock()
	if lookup(h) != e { // else h itself is counted still
		return false
	}
	e.o.handles.Add(1)
	e.o.holds.Add(1)
	return true
}

// lose counts one handle less. It comes last in closing one: what the others do with the
// object's record is done then.
func (o *object) lose(t *Thread) {
	last := o.handles.Add(-1) == 0
	if o.kind == sectionObject {
		if last {
			o.section.close()
		}
		return
	}
	if p := o.port(); last && p != nil {
		_ = p.CloseName()
	}
	o.release(t)
	if last {
		engine.Waken(o.eng)
	}
}

// hold is one hold more on a port; false: it has gone.
func (o *object) hold() bool {
	for {
		n := o.holds.Load()
		if n == 0 {
			return false
		}
		if o.holds.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release gives up one hold on a port; with the last a communication port ends its
// connection.
func (o *object) release(t *Thread) {
	if o.holds.Add(-1) > 0 {
		return
	}
	if c := o.conn(); c != nil {
		c.CloseBy(t.e)
		o.unmap()
	}
}

// CurrentProcess is NtCurrentProcess(), the handle that every process has of itself;
// CurrentThreadHandle is NtCurrentThread().
const (
	CurrentProcess      = ^Handle(0)
	CurrentThreadHandle = ^Handle(0) - 1
)

// Options of NtDuplicateObject.
const (
	DuplicateCloseSource = 1
	DuplicateSameAccess  = 2
)

// NtDuplicateObject makes another handle of the same object. Both processes must be this
// one: StatusNotSupported else.
func (t *Thread) NtDuplicateObject(SourceProcessHandle, SourceHandle, TargetProcessHandle Handle, TargetHandle *Handle, DesiredAccess, HandleAttributes, Options uint32) Status {
	if TargetHandle == nil && Options&DuplicateCloseSource == 0 {
		return StatusAccessViolation
	}
	if SourceProcessHandle != CurrentProcess || TargetProcessHandle != CurrentProcess && TargetHandle != nil {
		return StatusNotSupported
	}
	e := lookup(SourceHandle)
	if e == nil {
		return StatusInvalidHandle
	}
	if TargetHandle != nil {
		access := DesiredAccess
		if Options&DuplicateSameAccess != 0 {
			access = e.access
		} else if access &^= maximumAllowed; access&^e.access != 0 {
			return StatusAccessDenied
		}
		if !e.share(SourceHandle) {
			return StatusInvalidHandle
		}
		var n uint32
		var err error
		if e.o.kind == sectionObject {
			n, err = e.o.section.rec.NewHandle(access)
		} else {
			n, err = engine.Duplicate(e.o.eng, access)
		}
		if err != nil {
			e.o.lose(t)
			return status(err)
		}
		*TargetHandle = place(n, e.o, access)
	}
	if Options&DuplicateCloseSource != 0 {
		return t.NtClose(SourceHandle)
	}
	return StatusSuccess
}

const maximumAllowed = 0x02000000
