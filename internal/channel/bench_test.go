package channel

import (
	"testing"

	"github.com/seed-eedd8485/lpc/wire"
)

// BenchmarkWork is all that both ends do for one call, on one goroutine: without the
// transfers between processors and without a wait.
func BenchmarkWork(b *testing.B) {
	s, _, err := Create(1)
	if err != nil {
		b.Fatal(err)
	}
	c := NewCaller(s, false, true, func() {})
	r := NewReceiver(s, true, true, func() {})
	r.Awake()
	m := newMessage()
	data := make([]byte, 32)
	buf := make([]byte, 64)
	req := Request{MessageID: 1, Data: data}
	rep := Request{MessageID: 1, Data: data}
	var since uint64
	ctx := b.Context()
	for b.Loop() {
		i, _, _ := c.Take(ctx)
		c.Reserve(i)
		c.Post(i, &req)
		_, _ = r.Next(m)
		_ = r.Reply(m.Slot, m.Gen, wire.StatusOK, &rep)
		r.Publish()
		var res Result
		_ = c.Wait(ctx, i, false, nil, &since) // the reply is there
		_ = c.Result(i, &res)
		c.Inline(i, buf, res.Length)
		c.Release(i)
	}
}

func BenchmarkTicks(b *testing.B) {
	for b.Loop() {
		ticks()
	}
}

func BenchmarkCPU(b *testing.B) {
	for b.Loop() {
		CPU()
	}
}

func BenchmarkPause(b *testing.B) {
	for b.Loop() {
		pause()
	}
}
