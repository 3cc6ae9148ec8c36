package holdings

import (
	"cmp"
	"context"
	"errors"
	"math/bits"
	"slices"
	"time"

	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
)

// A Holder is who holds memory: a Holding of it is counted as one.
type Holder struct {
	Tag     [4]byte
	Process uint32 // id
	Started uint64 // of the process, so that another with its id is another
	Port    string // by name; "" for what belongs to no port, or one that has gone
	Caller  string // who allocated it: "main.work (work.go:12)"; "" where it is not recorded
	Large   bool   // section memory
	Paged   bool   // it is not locked in memory
}

// A Holding is what a Holder has now.
type Holding struct {
	Holder
	Image  string // of the process
	Blocks uint64
	Bytes  uint64 // headers of blocks included; of a section all of it
	Asked  uint64 // bytes that were asked for, of sections alone
}

// A Quota is how much section memory a port has granted to one user.
type Quota struct {
	Process uint32
	Image   string
	Port    string
	UID     uint32
	Granted uint64 // bytes, whether used or not
	Limit   uint64 // bytes
}

// A Report is one look. It is not changed any more.
type Report struct {
	Taken    time.Time // zero where the target does not know
	Accounts []target.PoolAccount
	Holdings []Holding // most bytes first
	Quotas   []Quota   // by process, port and user
	Trouble  []string  // what could not be read, a sentence each
	More     int       // sentences beyond those
}

// maxTrouble bounds the sentences of one Report.
const maxTrouble = 100

// Look counts. The target must have Pools. The error is a sentence.
func Look(ctx context.Context, r *records.Reader) (*Report, error) {
	accounts, ok := Ours(r)
	if !ok {
		return lookByTag(ctx, r)
	}
	w, err := records.Look(ctx, r, records.Ports)
	if err != nil {
		return nil, err
	}
	c := &counter{World: w, started: map[uint64]uint64{}, owners: map[uint64]string{}, held: map[Holder]*Holding{}, granted: map[quotaKey]*Quota{}}
	for _, t := range w.Trouble {
		c.trouble(t)
	}
	out := &Report{}
	for a := range accounts.PoolAccounts(ctx) {
		out.Accounts = append(out.Accounts, a)
		c.started[a.Process.Addr] = a.Started
		for _, n := range a.Notes {
			c.trouble(n)
		}
	}
	if err := c.count(ctx); err != nil {
		return nil, err
	}
	out.Taken, out.Trouble, out.More = w.Now, c.troubles, c.more
	for _, h := range c.held {
		out.Holdings = append(out.Holdings, *h)
	}
	out.sort()
	for _, q := range c.granted {
		out.Quotas = append(out.Quotas, *q)
	}
	slices.SortFunc(out.Quotas, func(a, b Quota) int {
		return cmp.Or(cmp.Compare(a.Process, b.Process), cmp.Compare(a.Port, b.Port), cmp.Compare(a.UID, b.UID))
	})
	return out, nil
}

// lookByTag is Look at a system whose pools belong to no process: it tells of tags
// alone.
func lookByTag(ctx context.Context, r *records.Reader) (*Report, error) {
	p, ok := r.T.System().(target.Pooled)
	if !ok {
		return nil, errors.New("this target does not tell of its pools")
	}
	c, err := p.TagUse(ctx, false)
	if err != nil {
		return nil, err
	}
	out := &Report{Taken: r.T.Now(), Trouble: c.Notes, More: c.More}
	account := target.PoolAccount{}
	for _, u := range c.Tags {
		for _, h := range []Holding{
			{Holder: Holder{Tag: u.Tag}, Blocks: u.NonPaged.Outstanding(), Bytes: u.NonPaged.Bytes},
			{Holder: Holder{Tag: u.Tag, Paged: true}, Blocks: u.Paged.Outstanding(), Bytes: u.Paged.Bytes},
		} {
			if h.Blocks > 0 {
				out.Holdings = append(out.Holdings, h)
			}
		}
		account.Tags = append(account.Tags, target.TagAccount{Tag: u.Tag, Small: u.NonPaged.Plus(u.Paged)})
	}
	if c.Frees {
		out.Accounts = []target.PoolAccount{account}
	}
	out.sort()
	return out, nil
}

// sort puts who holds most first.
func (r *Report) sort() {
	slices.SortFunc(r.Holdings, func(a, b Holding) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), compare(a.Holder, b.Holder))
	})
}

// Ours are the accounts of the target's pools; ok is false where it has none: a
// Windows dump.
func Ours(r *records.Reader) (accounts target.PoolAccounts, ok bool) {
	accounts, ok = r.T.System().(target.PoolAccounts)
	return accounts, ok
}

func compare(a, b Holder) int {
	bit := func(v bool) int {
		if v {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(string(a.Tag[:]), string(b.Tag[:])), cmp.Compare(a.Process, b.Process), cmp.Compare(a.Started, b.Started),
		cmp.Compare(a.Port, b.Port), cmp.Compare(a.Caller, b.Caller), cmp.Compare(bit(a.Large), bit(b.Large)), cmp.Compare(bit(a.Paged), bit(b.Paged)))
}

// Excessive is the part of a limit, in per cent, from which its use is marked.
const Excessive = 90

// Nears tells whether so much of a limit is used. A limit of 0 is none.
func Nears(used, limit uint64) bool {
	hi, lo := bits.Mul64(limit, Excessive)
	part, _ := bits.Div64(hi, lo, 100) // hi is below 100: Excessive is
	return limit > 0 && used >= part
}
