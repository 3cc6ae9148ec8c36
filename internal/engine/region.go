package engine

import (
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/wire"
)

// A region is one section of a connection. Each has one owner, the end that
// allocates in it; the server makes them all. A region is used whole, by one
// message at a time.
type region struct {
	owner  *sections
	number uint32
	sec    *section.Section
	mine   bool
	class  int
	used   bool // by a message or a program; guarded by sections.mu
	clean  bool // its pages were given back since its last use; likewise
	rec    *pool.Section
	addr   pool.Addr
	caller *caller // nil: stacks are not recorded
}

func (r *region) bytes() []byte { return r.sec.Bytes() }
func (r *region) size() int     { return r.sec.Size() }

// Release gives back an own region that acquire gave.
func (r *region) Release() {
	r.owner.put(r)
	r.owner.giveUp()
}

// taken writes down that n bytes were allocated in an own region. s.mu is held.
func (r *region) taken(n int, tag pool.Tag) {
	r.used, r.clean = true, false
	rec, proc := r.rec, r.owner.conn.proc
	if rec.UserTag != tag {
		r.count(proc.pool)
		rec.UserTag = tag
	}
	rec.Allocs++
	rec.Used, rec.Blocks = uint64(n), 1
	if proc.stacks.on {
		proc.recordCaller(r)
	}
}

// given writes down that they are free again. s.mu is held.
func (r *region) given() {
	if r.used {
		r.rec.Frees++
	}
	r.used = false
	r.rec.Used, r.rec.Blocks = 0, 0
}

// count moves what the record has counted to the tag's tracker: as long as one tag
// allocates, it costs no lock.
func (r *region) count(p *pool.Pool) {
	if rec := r.rec; rec.Allocs != 0 {
		p.CountLarge(rec.UserTag, rec.Allocs, rec.Frees)
		rec.Allocs, rec.Frees = 0, 0
	}
}

// forget gives back the records of a region whose memory has gone.
func (r *region) forget(p *pool.Pool) {
	r.given()
	r.count(p)
	if r.caller != nil {
		p.Free(r.caller.addr)
	}
	p.Free(r.addr)
}

// info describes n bytes at the region's start.
func (r *region) info(n int) wire.DataInfo {
	return wire.DataInfo{Count: 1, Base: wire.SectionAddress(r.number, 0), DataLength: uint64(n)}
}
