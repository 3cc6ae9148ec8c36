package robust

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc"
)

func init() {
	roles["hostile client"] = hostileClientRole
	roles["honest client"] = honestClientRole
	roles["hog"] = hogRole
}

// TestHostileProcess: a process overwrites its channels with random values, rings
// and sends garbage, one connection after the other, while an honest one runs
// checksummed calls throughout.
func TestHostileProcess(t *testing.T) {
	base := takeCensus()
	t.Run("server", func(t *testing.T) {
		var violations, left, others atomic.Int64
		var says sync.Map // the first words of the errors, to see how many kinds there were
		p := local(t, &lpc.ListenOptions{OnClose: func(_ *lpc.Conn, err error) {
			switch {
			case errors.Is(err, lpc.ErrProtocol):
				violations.Add(1)
				says.Store(kindOf(err.Error()), true)
			case errors.Is(err, lpc.ErrPeerDied), errors.Is(err, lpc.ErrPortClosed):
				left.Add(1)
			default:
				others.Add(1)
				t.Errorf("a connection ended with %v", err)
			}
		}}, func(r lpc.Request) {
			if b := r.Bytes(); len(b) >= 8 && sum(b) == nil {
				_ = r.Reply(summed(b, b))
				return
			}
			everyOp(r)
		})
		honest := start(t, "honest client", portName(t))
		honest.expect("connected")
		seed := rand.Uint64()
		hostile := start(t, "hostile client", portName(t), "LPC_ROBUST_SEED="+strconv.FormatUint(seed, 10))
		hostile.expect("begins")
		hog := start(t, "hog", "")
		hog.expect("begins")
		var quiet, beside, beHog []float64
		for range size(3, 9) { // interleaved: whatever else runs on this machine is beside all of them
			hostile.stop()
			hog.stop()
			quiet = append(quiet, honest.rate())
			hog.signal(syscall.SIGCONT)
			beHog = append(beHog, honest.rate())
			hog.stop()
			hostile.signal(syscall.SIGCONT)
			beside = append(beside, honest.rate())
		}
		// The honest pair uses both processors of a small machine, so beside any third
		// process it makes much less, whatever that does. What the hostile one does to the
		// server shows where it gets little of the processors: then it may not halve the rate.
		hog.stop()
		hostile.nice(19)
		var polite []float64
		for range size(1, 9) {
			hostile.stop()
			quiet = append(quiet, honest.rate())
			hostile.signal(syscall.SIGCONT)
			polite = append(polite, honest.rate())
		}
		if last := honest.finish(); len(last) != 0 {
			t.Errorf("the honest client says %q", last)
		}
		said := hostile.finish() // it is at nice 19, and has a processor for its end
		hog.signal(syscall.SIGCONT)
		if !eventually(hangs, func() bool { return p.Stats().Connections == 0 }) {
			t.Errorf("%d connections are left", p.Stats().Connections)
		}
		kinds := 0
		says.Range(func(any, any) bool { kinds++; return true })
		q, b, h, n := median(quiet), median(beside), median(beHog), median(polite)
		t.Logf("seed %d; honest calls a second: quiet %.0f, beside the hostile process at nice 19 %.0f (%.2f), at the honest one's weight %.0f (%.2f), beside a pure loop %.0f (%.2f)",
			seed, q, n, n/q, b, b/q, h, h/q)
		t.Logf("the hostile process: %v; %d connections ended as violations of %d kinds, %d left by themselves", said, violations.Load(), kinds, left.Load())
		if violations.Load() == 0 {
			t.Error("no connection of the hostile process ended as a violation")
		}
		if long && n < q/2 {
			t.Errorf("the honest client makes %.0f calls a second beside the hostile process at nice 19, want at least half of %.0f", n, q)
		}
		if long && b < h/2 {
			t.Errorf("the honest client makes %.0f calls a second beside the hostile process, want at least half of the %.0f beside a pure loop", b, h)
		}
	})
	base.check(t)
}

// kindOf is an error's text without its numbers.
func kindOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, text)
}

// summed puts the checksum of data[4:] in front of it, into b.
func summed(b, data []byte) []byte {
	b = append(b[:0], data...)
	c := crc32.ChecksumIEEE(b[4:])
	b[0], b[1], b[2], b[3] = byte(c), byte(c>>8), byte(c>>16), byte(c>>24)
	return b
}

// sum checks it.
func sum(b []byte) error {
	c := crc32.ChecksumIEEE(b[4:])
	if b[0] != byte(c) || b[1] != byte(c>>8) || b[2] != byte(c>>16) || b[3] != byte(c>>24) {
		return fmt.Errorf("wrong checksum over %d bytes", len(b))
	}
	return nil
}

// count asks an honest client for the number of its calls.
func (c *child) count() int {
	c.tell("count")
	n, err := strconv.Atoi(c.expect("calls"))
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// rate is the honest client's calls a second, over a window.
func (c *child) rate() float64 {
	at, start := c.count(), time.Now()
	<-time.After(time.Duration(size(100, 1000)) * time.Millisecond)
	return float64(c.count()-at) / time.Since(start).Seconds()
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// hogRole only computes.
func hogRole(string) error {
	var over atomic.Bool
	go func() { ask()(); over.Store(true) }()
	say("begins")
	for !over.Load() {
	}
	return nil
}

// honestClientRole runs checksummed calls until its input ends.
func honestClientRole(name string) error {
	c, err := lpc.Dial(context.Background(), name, nil)
	if err != nil {
		return err
	}
	say("connected")
	var calls atomic.Int64
	var over atomic.Bool
	failed := make(chan error, 2)
	for g := range cap(failed) {
		go func() {
			var err error
			data, buf := make([]byte, 80_000), make([]byte, 80_000)
			for i := 0; err == nil && !over.Load(); i++ {
				n := 8 + (i*37+g)%297
				if i%64 == 63 {
					n = 305 + i*7919%79_000
				}
				data[4+i%4]++
				req := summed(data[:n], data[:n])
				var m int
				if m, err = c.CallInto(context.Background(), req, buf); err == nil {
					if err = sum(buf[:m]); err == nil && string(buf[:m]) != string(req) {
						err = fmt.Errorf("another call's reply, or a stale one, of %d bytes", m)
					}
				}
				calls.Add(1)
			}
			failed <- err
		}()
	}
	for {
		if _, ok := ask()(); !ok {
			break
		}
		say("calls %d", calls.Load())
	}
	over.Store(true)
	for range cap(failed) {
		if err := <-failed; err != nil {
			return err
		}
	}
	return c.Close()
}
