package floor

import (
	"errors"
	"os"
	"sync/atomic"
	"time"
)

const (
	// spins bounds the looks at a word that does not change before a loop
	// in assembler returns: less than a millisecond, so that the Go
	// runtime, which cannot preempt it, gets its turn.
	spins = 1 << 20
	// patience is how many such returns in a row mean that there is nobody:
	// some seconds, longer than a process is ever off its CPU.
	patience = 1 << 13
	// nap is how long to leave the CPU to the other end after such a return.
	nap = 50 * time.Microsecond
)

// ErrNoPeer is returned when the other end does not take part.
var ErrNoPeer = errors.New("the other end of the ping-pong does not answer")

// ErrNoLoops is returned where there is no assembler loop.
var ErrNoLoops = errors.New("no spin ping-pong for this processor")

// The words of a lane; 32 bytes of payload stand behind each of the first two.
const (
	wordRequest = iota // the number of the exchange: written by Ping
	wordReply          // the same, written by Pong
	wordStop           // not 0: the pinger has gone
)

// Lane is one end of a ping-pong. One goroutine at a time may use it.
type Lane struct {
	page *Page
	seq  uint64 // the last exchange that this end finished
}

// Create makes a lane and returns one end of it and the file through which
// another process may Open the other. The caller closes both.
func Create() (*Lane, *os.File, error) {
	if !haveLoops {
		return nil, nil, ErrNoLoops
	}
	p, f, err := Share(0)
	if err != nil {
		return nil, nil, err
	}
	return &Lane{page: p}, f, nil
}

// Open returns the other end of a lane; path is its file, /proc/PID/fd/FD.
func Open(path string) (*Lane, error) {
	if !haveLoops {
		return nil, ErrNoLoops
	}
	p, err := Join(path, 0)
	if err != nil {
		return nil, err
	}
	return &Lane{page: p}, nil
}

// Ping runs n exchanges.
func (l *Lane) Ping(n int) error {
	left := uint64(n)
	return l.patiently(func() (uint64, bool) {
		if left == 0 {
			return 0, true
		}
		done := ping(l.page.Word(wordRequest), l.page.Word(wordReply), l.seq, left, spins)
		left -= done
		return done, left == 0
	})
}

// PingStamped runs len(took) exchanges and puts the time of each, in ticks of
// the processor's counter, into took.
func (l *Lane) PingStamped(took []uint64) error {
	return l.patiently(func() (uint64, bool) {
		done := pingStamped(l.page.Word(wordRequest), l.page.Word(wordReply), l.seq, took, spins)
		took = took[done:]
		return done, len(took) == 0
	})
}

// Pong answers until the other end says Stop.
func (l *Lane) Pong() error {
	const most = 1 << 14 // look at the stop word at least so often
	return l.patiently(func() (uint64, bool) {
		if l.stopped() {
			return 0, true
		}
		return pong(l.page.Word(wordRequest), l.page.Word(wordReply), l.seq, most, spins), false
	})
}

// patiently repeats part, which runs some exchanges, until it says that it is
// done, or has had none too often in a row.
func (l *Lane) patiently(part func() (exchanges uint64, done bool)) error {
	for quiet := 0; quiet < patience; quiet++ {
		n, done := part()
		l.seq += n
		if done {
			return nil
		}
		if n > 0 {
			quiet = -1 // 0 at the next turn
			continue
		}
		// Both may be on one CPU. Whoever wakes from a sleep is put on an
		// idle one, which no amount of spinning brings about so soon.
		time.Sleep(nap)
	}
	return ErrNoPeer
}

// Stop tells the other end that no more exchanges come.
func (l *Lane) Stop() { atomic.StoreUint64(l.page.Word(wordStop), 1) }

func (l *Lane) stopped() bool { return atomic.LoadUint64(l.page.Word(wordStop)) != 0 }

// Close unmaps this end, which must not be used afterwards.
func (l *Lane) Close() error { return l.page.Close() }
