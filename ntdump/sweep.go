package ntdump

// Sweep reads much physical memory in little time, for who searches it. Of a file that
// is mapped it gives the mapping's own bytes: a copy costs more than looking at them.
// It is for one goroutine at a time; a dump may have any number.
type Sweep struct {
	d    *Dump
	src  seen   // nil: the source is no mapping, and is read into buf
	data []byte // all of src
	buf  []byte

	// The stretch of memory that was found last: size bytes at pa, at off in the file.
	pa, size uint64
	off      int64

	// What of the mapping was given since it was let go last.
	from, to, given int64
}

// seen is a source whose bytes can be looked at in place.
type seen interface {
	// whole is all of the file, mapped for who reads it in order; nil: that does not
	// work. It is the source's, and ends with it.
	whole() []byte
	// soon has the system fetch a part of whole, and what follows it, unless it has that
	// in memory.
	soon(from, to int64)
	// forget lets go of the memory that a part of whole takes; it can be read again.
	forget(from, to int64)
	// guard calls f, which reads of whole, and returns an error where the file did not
	// have what was read. f stops there.
	guard(f func() error) error
}

const (
	sweepBuffer = 256 << 10 // stays in the second-level cache until it was looked at
	sweepHeld   = 4 << 20   // of a mapping are in memory on a sweep's account, about
	sweepLong   = 256 << 10 // a part of a mapping that long is worth a look whether it is in memory
)

// Sweep makes a sweep. Close it.
func (d *Dump) Sweep() *Sweep {
	s := &Sweep{d: d}
	if src, ok := d.src.(seen); ok {
		if b := src.whole(); int64(len(b)) >= d.size {
			s.src, s.data = src, b[:d.size]
			return s
		}
	}
	s.buf = make([]byte, sweepBuffer)
	return s
}

// Run calls job, within which alone Physical may be called and its bytes read. It
// returns job's error, or that the file could not be read: it was cut short while it was
// open, or its disk fails. job stops at the byte that is not there.
func (s *Sweep) Run(job func() error) error {
	if s.src == nil {
		return job()
	}
	return s.src.guard(job)
}

// Physical is the memory at pa on, which is the start of a page: whole pages, one at
// least and pages at most. Fewer say nothing on what follows. The bytes must not be
// changed, and hold until the next call. Who writes to the file changes them: what is
// checked and then used should be copied first. The error is an *Absent where the dump
// does not hold the page.
func (s *Sweep) Physical(pa, pages uint64) ([]byte, error) {
	if pa-s.pa >= s.size {
		if err := s.find(pa); err != nil {
			return nil, err
		}
	}
	in := pa - s.pa
	n := min(pages*pageBytes, s.size-in)
	off := s.off + int64(in)
	if s.src == nil {
		b := s.buf[:min(n, sweepBuffer)]
		_, err := s.d.readFile(off, b)
		return b, err
	}
	if s.given >= sweepHeld {
		s.forget()
	}
	if n >= sweepLong {
		s.src.soon(off, off+int64(n))
	}
	if s.given == 0 {
		s.from, s.to = off, off
	}
	s.from, s.to, s.given = min(s.from, off), max(s.to, off+int64(n)), s.given+int64(n)
	return s.data[off : off+int64(n)], nil
}

// find looks up the stretch that a page is in, as far as the file has whole pages of it.
func (s *Sweep) find(pa uint64) error {
	s.size = 0
	if s.d.phys == nil {
		return &Absent{pa, true, NotInDump}
	}
	off, more, ok, err := s.d.phys.find(pa / pageBytes)
	switch {
	case err != nil:
		return err
	case !ok:
		return &Absent{pa, true, NotInDump}
	case off < 0 || off > s.d.size-pageBytes:
		return &Absent{pa, true, CutShort}
	}
	// more is below 2^40 pages, so the product fits.
	s.pa, s.off, s.size = pa, off, min(more, uint64(s.d.size-off)/pageBytes)*pageBytes
	return nil
}

func (s *Sweep) forget() {
	if s.given > 0 {
		s.src.forget(s.from, s.to)
		s.given = 0
	}
}

// Close lets go of what the sweep holds, and never of the dump.
func (s *Sweep) Close() { s.forget() }
