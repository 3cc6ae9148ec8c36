package engine

import (
	"sync"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/security"
)

// clientToken is the token of a connection's other end, taken at its first use. Its ids
// are those that the kernel noted when the connection was made.
type clientToken struct {
	qos QoS // set before the connection is anybody's
	mu  sync.Mutex
	tok *security.Token
}

func (c *Conn) token() (*security.Token, error) {
	t := &c.client
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tok == nil {
		err := c.link.Use(func(fd int) (err error) {
			t.tok, err = security.Capture(fd, t.qos.Level)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return t.tok, nil
}

// token is that of the message's sender: of the connection's, or with dynamic tracking of
// the thread that waits for the reply, as it is now.
func (u Use) token() (*security.Token, error) {
	if u.C.client.qos.Dynamic {
		return u.askIdentity()
	}
	return u.C.token()
}

// Impersonate runs f as the sender of the message, on the calling goroutine's thread.
func (u Use) Impersonate(f func() error) error {
	if !u.Live() {
		return ErrReplied
	}
	tok, err := u.token()
	if err != nil {
		if e := u.C.Err(); e != nil {
			err = e
		}
		return err
	}
	defer u.actsAs(tok)()
	return security.Impersonate(tok, security.Options{}, f)
}

// actsAs writes down as whom the thread that serves the message acts, before its ids
// are switched; the function takes that back, after they are restored.
func (u Use) actsAs(tok *security.Token) (done func()) {
	p, rec := u.M.d.proc.pool, u.M.rec
	if rec.State != pool.MessageServed || rec.ServerThread == 0 {
		return func() {} // its handler has returned: another goroutine acts
	}
	info, a, err := pool.New[pool.ImpersonationInformation](p, pool.TagToken, rec.ServerThread)
	if err != nil {
		return func() {}
	}
	info.Token, info.ImpersonationLevel = u.C.rec.StaticSecurity.ClientToken, uint32(tok.Level())
	th := pool.At[pool.Thread](p, rec.ServerThread)
	th.ImpersonationInfo = a
	return func() {
		th.ImpersonationInfo = 0
		p.Free(a)
	}
}
