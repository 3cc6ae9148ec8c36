package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/link"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/security"
	"github.com/seed-eedd8485/lpc/wire"
)

// QoS is how far a client lets a server go with its identity: NT's
// SECURITY_QUALITY_OF_SERVICE.
type QoS struct {
	Level         security.Level
	Dynamic       bool // the identity is that of the waiting thread at each impersonation
	EffectiveOnly bool
}

// flags is the QoS in a CONNECT frame.
func (q *QoS) flags() uint16 {
	if q == nil {
		return 0
	}
	f := uint16(link.FlagQoS) | uint16(q.Level&3)<<link.FlagLevelShift
	if q.Dynamic {
		f |= link.FlagDynamic
	}
	if q.EffectiveOnly {
		f |= link.FlagEffectiveOnly
	}
	return f
}

// qosOf reads it. It is the client's word, and allows no more than the client could do.
func qosOf(f uint16) QoS {
	if f&link.FlagQoS == 0 {
		return QoS{Level: security.Impersonation}
	}
	level := security.Level(f >> link.FlagLevelShift & 3)
	return QoS{min(level, security.Impersonation), f&link.FlagDynamic != 0, f&link.FlagEffectiveOnly != 0}
}

func (q *QoS) record() pool.SecurityQoS {
	r := pool.SecurityQoS{Length: 12, ImpersonationLevel: uint32(q.Level)}
	if q.Dynamic {
		r.ContextTrackingMode = 1
	}
	if q.EffectiveOnly {
		r.EffectiveOnly = 1
	}
	return r
}

// identityTime bounds how long a server waits for a thread to say who it is.
const identityTime = 100 * time.Millisecond

// askIdentity has the thread that waits for the reply to u say who it is now: by
// SCM_CREDENTIALS on the control socket, which the kernel checks.
func (u Use) askIdentity() (*security.Token, error) {
	c := u.C
	ctx, cancel := context.WithTimeoutCause(context.Background(), identityTime, ErrMismatch)
	defer cancel()
	if !u.Live() || !u.M.in.Reply {
		return nil, ErrMismatch
	}
	seq := c.proc.nextID()
	answer := make(chan identity, 1)
	c.mu.Lock()
	if c.asked == nil {
		c.asked = map[uint32]chan identity{}
	}
	c.asked[seq] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.asked, seq)
		c.mu.Unlock()
	}()
	var b [8]byte
	binary.LittleEndian.PutUint32(b[:], controlIdentify)
	binary.LittleEndian.PutUint32(b[4:], seq)
	if _, err := c.controlCall(ctx, u, b[:], nil); err != nil {
		return nil, err
	}
	c.ready() // it is on its way in the socket before the answer was published
	select {
	case id := <-answer:
		var tok *security.Token
		err := c.link.Use(func(fd int) (err error) {
			tok, err = security.CaptureThread(fd, id.tid, id.cred.PID, id.cred.UID, id.cred.GID, c.client.qos.Level)
			return err
		})
		return tok, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// An identity is a thread's answer.
type identity struct {
	cred link.Credentials
	tid  int
}

// controlCall sends a control request about the message's sender to its process, and
// waits for it to be done. answered: the other end is done with it, else cleanup (nil: none)
// runs once it is, or has gone.
func (c *Conn) controlCall(ctx context.Context, u Use, data []byte, cleanup channel.Releaser) (answered bool, err error) {
	slot, alone, err := c.out.Take(ctx)
	if err != nil {
		if cleanup != nil {
			cleanup.Release()
		}
		return false, fromChannel(err)
	}
	c.out.Reserve(slot)
	target := uint64(uint32(u.M.rec.Request.ClientID.UniqueThread))
	c.out.Post(slot, &channel.Request{MessageID: u.ID(), Callback: uint64(c.proc.nextID()) | target<<32, Control: true, Data: data})
	var since uint64
	if err := c.out.Wait(ctx, slot, alone, cleanup, &since); err != nil {
		return false, fromChannel(err)
	}
	defer c.out.Release(slot)
	var res channel.Result
	if err := c.out.Result(slot, &res); err != nil {
		err = fromChannel(err)
		c.fail(err)
		return true, err
	}
	if res.Status != wire.StatusOK {
		var text [wire.MaxInline]byte
		c.out.Inline(slot, text[:], res.Length)
		return true, statusError(res.Status, text[:res.Length])
	}
	return true, nil
}

// identified takes an IDENTITY frame. It runs on the poller's goroutine.
func (c *Conn) identified(f *link.Frame) error {
	if f.Cred == nil {
		return fmt.Errorf("%w: IDENTITY frame without credentials", ErrProtocol)
	}
	c.mu.Lock()
	answer := c.asked[f.Number]
	c.mu.Unlock()
	if answer != nil { // else who asked has given up
		select {
		case answer <- identity{*f.Cred, int(f.Section)}:
		default:
		}
	}
	return nil
}

// sayWho answers for the thread itself: it is called by it, in the middle of its wait.
func (t *Thread) sayWho(u Use) {
	seq := binary.LittleEndian.Uint32(u.M.rec.Data[4:])
	err := u.C.link.SendCredentials(&link.Frame{Kind: link.Identity, Number: seq, Section: uint32(unix.Gettid())})
	s := wire.StatusOK
	if err != nil {
		s = wire.StatusMismatch
	}
	_ = u.status(s)
}

// What stands in the way of acting as a client, besides what package security says.
var (
	ErrHidden = errors.New("the client does not let this request be impersonated")
)

// ClientToken is the token by which t may act as the sender of u, who must still wait.
func (u Use) ClientToken() (*security.Token, error) {
	switch {
	case u.M.rec.Request.Type&wire.FlagNoImpersonate != 0:
		return nil, ErrHidden
	case !u.Live(), !u.C.recv.Waiting(u.M.in.Slot, u.M.in.Gen):
		return nil, ErrMismatch
	}
	return u.token()
}

// ActsAs writes down as whom t acts, nil: as itself.
func (t *Thread) ActsAs(tok *security.Token) {
	if t.begin() == nil {
		t.actsAs(tok)
		t.leave()
	}
}

func (t *Thread) actsAs(tok *security.Token) {
	p := t.proc.pool
	if a := t.rec.ImpersonationInfo; a != 0 {
		t.rec.ImpersonationInfo = 0
		p.Free(a)
	}
	if tok == nil {
		return
	}
	info, a, err := pool.New[pool.ImpersonationInformation](p, pool.TagToken, t.addr)
	if err != nil {
		return
	}
	if t.cur.Live() {
		info.Token = t.cur.C.rec.StaticSecurity.ClientToken
	}
	info.ImpersonationLevel = uint32(tok.Level())
	t.rec.ImpersonationInfo = a
}
