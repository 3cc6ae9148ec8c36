package loops

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/seed-eedd8485/lpc/internal/bench/floor"
)

// Path returns where the loops of a server at addr are found.
func Path(addr string) string { return addr + ".loops" }

// errSilent is returned when the other end does not take part.
var errSilent = errors.New("loops: the other process does not take part")

// The words beside the memory.
const (
	wordTurn  = iota // written by the client: passes so far
	wordDone         // written by the server: passes summed
	wordSum          // written by the server before wordDone
	wordReady        // written by the server: batches begun
)

// Serve answers on c until it ends: a client that asks for n bytes is told
// where they are, and each batch that it asks for is summed.
func Serve(c net.Conn) error {
	var size uint32
	if err := binary.Read(c, binary.LittleEndian, &size); err != nil {
		return err
	}
	page, f, err := floor.Share(int(size))
	if err != nil {
		return err
	}
	defer func() { _ = page.Close() }()
	defer func() { _ = f.Close() }()
	if _, err := fmt.Fprintf(c, "/proc/%d/fd/%d\n", os.Getpid(), f.Fd()); err != nil {
		return err
	}
	for turn, batch := uint64(0), uint64(1); ; batch++ {
		var n uint32
		if err := binary.Read(c, binary.LittleEndian, &n); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		atomic.StoreUint64(page.Word(wordReady), batch)
		for range n {
			turn++
			if err := await(page.Word(wordTurn), turn); err != nil {
				return err
			}
			*page.Word(wordSum) = Sum(page.Data())
			atomic.StoreUint64(page.Word(wordDone), turn)
		}
	}
}

// Lane is the client's end. One goroutine at a time may use it.
type Lane struct {
	sock  net.Conn
	page  *floor.Page
	turn  uint64
	batch uint64
}

// Dial asks the server at path for n bytes of shared memory.
func Dial(path string, n int) (*Lane, error) {
	c, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	page, err := ask(c, n)
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("loops: asking for shared memory: %w", err)
	}
	return &Lane{sock: c, page: page}, nil
}

func ask(c net.Conn, n int) (*floor.Page, error) {
	if err := binary.Write(c, binary.LittleEndian, uint32(n)); err != nil {
		return nil, err
	}
	var path string
	if _, err := fmt.Fscanln(c, &path); err != nil {
		return nil, err
	}
	return floor.Join(path, n)
}

// Begin starts a batch of n passes and returns when the server watches for
// them. All must follow at once: the server spins.
func (l *Lane) Begin(n int) error {
	if err := binary.Write(l.sock, binary.LittleEndian, uint32(n)); err != nil {
		return err
	}
	l.batch++
	return await(l.page.Word(wordReady), l.batch)
}

// Pass fills the memory, hands it over, and returns the server's sum.
func (l *Lane) Pass(first, seed byte) (uint64, error) {
	Fill(l.page.Data(), first, seed)
	l.turn++
	atomic.StoreUint64(l.page.Word(wordTurn), l.turn)
	if err := await(l.page.Word(wordDone), l.turn); err != nil {
		return 0, err
	}
	return *l.page.Word(wordSum), nil
}

// Close ends the server's part and gives the memory back.
func (l *Lane) Close() error { return errors.Join(l.page.Close(), l.sock.Close()) }

// await watches a word until it is want. It lets other goroutines of this
// process run now and then. After a wait longer than any sum it naps: both ends
// may be on one CPU, and whoever wakes is put on an idle one. It gives up after
// some seconds.
func await(word *uint64, want uint64) error {
	const (
		yieldEach = 1 << 16 // looks
		napEach   = 1 << 22 // looks, some milliseconds
		naps      = 1 << 11
	)
	for looks := range uint64(naps * napEach) {
		if atomic.LoadUint64(word) == want {
			return nil
		}
		if looks%napEach == napEach-1 {
			time.Sleep(50 * time.Microsecond)
		} else if looks%yieldEach == yieldEach-1 {
			runtime.Gosched()
		}
	}
	return errSilent
}
