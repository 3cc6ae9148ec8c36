package robust

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
)

// hostileClientRole makes one connection after the other and misuses each, until
// its input ends.
func hostileClientRole(name string) error {
	seed, err := strconv.ParseUint(os.Getenv("LPC_ROBUST_SEED"), 10, 64)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	var over atomic.Bool
	go func() {
		ask()()
		over.Store(true)
	}()
	say("begins")
	conns, told := 0, 0
	for !over.Load() {
		r, err := rawConnect(name)
		if err != nil {
			return fmt.Errorf("connecting again: %w", err)
		}
		conns++
		if r.misbehave(rng, &over) {
			if reason, text, err := r.farewell(); err == nil && reason == 4 && text != "" {
				told++
			}
		}
		r.close()
	}
	say("connections %d told-why %d", conns, told)
	return nil
}

// misbehave misuses a connection for a while; it tells whether the server has
// ended it.
func (r *raw) misbehave(rng *rand.Rand, over *atomic.Bool) bool {
	style := rng.IntN(5)
	for step := range 20_000 {
		if step%64 == 0 && (over.Load() || r.hungUp()) {
			return r.hungUp()
		}
		switch {
		case style == 0: // scribble anywhere
			r.put64(rng.IntN(len(r.mem)/8)*8, rng.Uint64())
			if step%16 == 0 {
				r.bell()
			}
		case style == 1: // scribble on the lines and rings
			r.put32(rng.IntN(0x880/4)*4, rng.Uint32()>>rng.IntN(32))
			r.put32(toClient.ring+rng.IntN(0x100)*4, rng.Uint32()>>rng.IntN(32))
			if step%16 == 0 {
				r.bell()
			}
		case style == 2: // proper requests, spoilt while they are served
			i := step % 64
			r.request(i, [...]string{"hold", "callback", "echo", "x", ""}[rng.IntN(5)])
			if rng.IntN(8) == 0 {
				r.put16(r.slot(i)+16+rng.IntN(20)*2, uint16(rng.Uint32()))
			}
			r.publish(1, i)
			r.put64(r.slot(rng.IntN(64))+rng.IntN(8)*8, rng.Uint64()>>rng.IntN(64))
		case style == 3: // frames
			b := frame(byte(rng.IntN(10)), rng.Uint64()>>rng.IntN(64), strings.Repeat("y", rng.IntN(300)))
			if rng.IntN(2) == 0 {
				b[rng.IntN(len(b))] ^= byte(1 << rng.IntN(8))
			}
			if rng.IntN(4) == 0 {
				_ = r.send(b[:rng.IntN(len(b))], 0)
			} else {
				_ = r.send(b)
			}
		case style == 4: // a caller that gives up everything at once
			i := step % 127
			r.request(i, "x")
			r.put64(r.slot(i), r.gens[i]<<3|abandoned)
			r.publish(1, i)
			if step%127 == 126 {
				runtime.Gosched()
			}
		}
	}
	return r.hungUp()
}
