package engine

import (
	"errors"
	"fmt"
	"sync"
)

// Limits bound what clients can make a port's process hold, by the uid that the
// kernel names. Zero values mean the defaults.
type Limits struct {
	Connections       int   // of the port
	ConnectionsPerUID int   // of one uid
	HalfOpenPerUID    int   // handshakes that have not ended
	BytesPerUID       int64 // section memory granted to one uid, whether touched or not
}

const (
	defaultConnections    = 65536
	defaultPerUID         = 32768
	defaultHalfOpenPerUID = 1024
	defaultBytesPerUID    = 16 << 30
)

func (l Limits) orDefaults() Limits {
	if l.Connections == 0 {
		l.Connections = defaultConnections
	}
	if l.ConnectionsPerUID == 0 {
		l.ConnectionsPerUID = defaultPerUID
	}
	if l.HalfOpenPerUID == 0 {
		l.HalfOpenPerUID = defaultHalfOpenPerUID
	}
	if l.BytesPerUID == 0 {
		l.BytesPerUID = defaultBytesPerUID
	}
	return l
}

// sectionsPerUID bounds the mappings that one user makes a port's process hold: the
// kernel allows a process 65,530 (vm.max_map_count), and at that the Go runtime ends.
const sectionsPerUID = 8192

// accounts counts by uid.
type accounts struct {
	limits Limits

	mu    sync.Mutex
	total int
	uids  map[uint32]*account
}

type account struct {
	conns, half int
	bytes       int64
	sections    int
}

func newAccounts(l Limits) *accounts {
	return &accounts{limits: l.orDefaults(), uids: map[uint32]*account{}}
}

// with runs f on the account of uid and forgets an account that counts nothing.
func (a *accounts) with(uid uint32, f func(*account) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.uids[uid]
	if c == nil {
		c = &account{}
		a.uids[uid] = c
	}
	err := f(c)
	if *c == (account{}) {
		delete(a.uids, uid)
	}
	return err
}

func (a *accounts) halfOpen(uid uint32) error {
	return a.with(uid, func(c *account) error {
		if c.half >= a.limits.HalfOpenPerUID {
			return fmt.Errorf("%w: uid %d has %d handshakes open, the port's limit", ErrQuota, uid, c.half)
		}
		c.half++
		return nil
	})
}

func (a *accounts) halfDone(uid uint32) {
	_ = a.with(uid, func(c *account) error { c.half--; return nil })
}

func (a *accounts) connect(uid uint32) error {
	return a.with(uid, func(c *account) error {
		switch {
		case a.total >= a.limits.Connections:
			return fmt.Errorf("%w: the port has %d connections, its limit", ErrQuota, a.total)
		case c.conns >= a.limits.ConnectionsPerUID:
			return fmt.Errorf("%w: uid %d has %d connections, the port's limit for one uid", ErrQuota, uid, c.conns)
		}
		c.conns++
		a.total++
		return nil
	})
}

func (a *accounts) disconnect(uid uint32) {
	_ = a.with(uid, func(c *account) error { c.conns--; a.total--; return nil })
}

func (a *accounts) grant(uid uint32, n int64) error {
	return a.with(uid, func(c *account) error {
		if c.sections >= sectionsPerUID {
			return &grantError{"sections of one uid", fmt.Errorf("%w: uid %d has %d sections, the port's limit for one uid", ErrQuota, uid, c.sections)}
		}
		if c.bytes+n > a.limits.BytesPerUID {
			return &grantError{"section bytes of one uid", fmt.Errorf("%w: %d bytes of section memory asked, uid %d holds %d of %d", ErrQuota, n, uid, c.bytes, a.limits.BytesPerUID)}
		}
		c.bytes += n
		c.sections++
		return nil
	})
}

// A grantError is a refused grant with the quota's name, as debuggers show it.
type grantError struct {
	quota string
	error
}

func (e *grantError) Unwrap() error { return e.error }

// quotaOf is the name of the quota that an error of grant is about.
func quotaOf(err error) string {
	var g *grantError
	if errors.As(err, &g) {
		return g.quota
	}
	return "a quota"
}

// ungrant gives back n bytes in so many sections.
func (a *accounts) ungrant(uid uint32, n int64, sections int) {
	_ = a.with(uid, func(c *account) error { c.bytes -= n; c.sections -= sections; return nil })
}
