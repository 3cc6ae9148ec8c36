package robust

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc"
)

func init() {
	roles["hostile server"] = hostileServerRole
}

// TestHostileServerProcess: this process is the client of one that answers some
// calls and otherwise overwrites its channels with random values, rings, and sends
// garbage. Every call ends, with a reply or an error of a known kind.
func TestHostileServerProcess(t *testing.T) {
	base := takeCensus()
	t.Run("client", func(t *testing.T) {
		seed := rand.Uint64()
		server := start(t, "hostile server", portName(t), "LPC_ROBUST_SEED="+strconv.FormatUint(seed, 10))
		server.expect("begins")
		var replies, failures atomic.Int64
		ends := map[string]int{}
		for range size(60, 2000) {
			within(t, fmt.Sprintf("a connection to the hostile server (seed %d)", seed), func() {
				err := trust(t, portName(t), &replies, &failures)
				switch {
				case errors.Is(err, lpc.ErrProtocol):
					ends["violation"]++
				case errors.Is(err, lpc.ErrPeerDied), errors.Is(err, lpc.ErrPortClosed):
					ends["left"]++
				default:
					t.Errorf("a connection ended with %v", err)
				}
			})
		}
		server.finish()
		t.Logf("seed %d: %d replies, %d errors; the connections: %v", seed, replies.Load(), failures.Load(), ends)
		if ends["violation"] == 0 {
			t.Error("no connection ended as a violation")
		}
	})
	base.check(t)
}

// trust calls a server that cannot be trusted until the connection ends, at most for
// a while.
func trust(t *testing.T, name string, replies, failures *atomic.Int64) error {
	c, err := lpc.Dial(context.Background(), name, &lpc.DialOptions{Handler: lpc.HandlerFunc(echo)})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil && c.Err() == nil; i++ {
				call, end := context.WithTimeout(ctx, time.Duration(1+i%5)*time.Millisecond)
				var err error
				switch g {
				case 0, 1:
					_, err = c.Call(call, someBytes[:i%200])
				case 2:
					_, err = c.Call(call, manyBytes[:305+i%20_000])
				case 3:
					var b *lpc.Buffer
					if b, err = c.Alloc(call, 1+i*7919%100_000); err == nil {
						clear(b.Bytes())
						var r lpc.Reply
						if r, err = c.CallBuffer(call, b); err == nil {
							_ = r.Bytes()
							r.Release()
						}
						b.Release()
					}
				}
				end()
				if err == nil {
					replies.Add(1)
					continue
				}
				failures.Add(1)
				if !known(err) {
					t.Errorf("a call of a hostile server gives %v, an error of no known kind", err)
				}
			}
		})
	}
	wg.Wait()
	_ = c.Close()
	return c.Err()
}

// known: the error is one that a caller can branch on.
func known(err error) bool {
	for _, k := range []error{
		context.DeadlineExceeded, lpc.ErrProtocol, lpc.ErrPeerDied, lpc.ErrPortClosed, lpc.ErrQueueFull, lpc.ErrTooLarge,
		lpc.ErrQuota, lpc.ErrNoHandler, lpc.ErrDropped, lpc.ErrHandlerFailed,
	} {
		if errors.Is(err, k) {
			return true
		}
	}
	return false
}

// hostileServerRole admits one client after the other and misuses each.
func hostileServerRole(name string) error {
	seed, err := strconv.ParseUint(os.Getenv("LPC_ROBUST_SEED"), 10, 64)
	if err != nil {
		return err
	}
	s, err := listenRaw(name)
	if err != nil {
		return err
	}
	var over atomic.Bool
	go func() {
		for i := uint64(0); ; i++ {
			r, err := s.admit()
			if err != nil {
				continue // the client has gone already
			}
			r.betray(rand.New(rand.NewPCG(seed, i)), &over)
			r.close()
		}
	}()
	say("begins")
	ask()()
	over.Store(true)
	return nil
}

// betray answers calls for a while and then misbehaves.
func (r *raw) betray(rng *rand.Rand, over *atomic.Bool) {
	_ = unix.SetNonblock(r.fd, true)
	honest := rng.IntN(200)
	for step := 0; !over.Load() && !r.hungUp(); step++ {
		for i := range 127 {
			at := toServer.slots + i*slotSize
			w := atomic.LoadUint64(r.word64(at))
			if w&7 != waiting || rng.IntN(4) == 0 {
				continue
			}
			r.put16(at+slotStatus, 0)
			if step > honest && rng.IntN(4) == 0 {
				r.put16(at+slotStatus, uint16(rng.Uint32()>>rng.IntN(32)))
				r.put16(at+msgData, uint16(rng.IntN(400)))
			}
			if step > honest && rng.IntN(8) == 0 {
				r.dataInfo(at, rng.Uint64()>>rng.IntN(64), rng.Uint64()>>rng.IntN(64))
			}
			if !atomic.CompareAndSwapUint64(r.word64(at), w, w&^7|done) && rng.IntN(2) == 0 {
				r.put64(at, rng.Uint64()>>rng.IntN(64))
			}
			r.put32(toServer.lines+lineTail, rng.Uint32())
			r.put32(toServer.lines+lineSleep, 0)
			_ = wakeFutex(r.word32(toServer.lines + lineSleep))
		}
		r.bell()
		if step > honest && rng.IntN(100) == 0 {
			r.misbehave(rng, over)
			return
		}
	}
}
