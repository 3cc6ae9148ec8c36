package pool

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func ofProcess(t *testing.T) *Pool {
	t.Helper()
	p, err := Process()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// own is a pool of the test's own, so that it can be filled up.
// ownNumber is no process's: the pool of this process stays the one that is found.
const ownNumber = 1<<22 + 1

func own(t *testing.T, limit uint64) *Pool {
	t.Helper()
	p, err := newPool(ownNumber)
	if err != nil {
		t.Fatal(err)
	}
	p.limit, p.hdr.Limit = limit, limit
	return p
}

func TestAllocFree(t *testing.T) {
	p := own(t, 64<<20)
	used, blocks := p.hdr.Used, p.hdr.Blocks
	var as []Addr
	for n := 1; n < 200_000; n = n*3/2 + 1 {
		m, a, err := p.Alloc(TagSection, n, 7)
		if err != nil {
			t.Fatal(err)
		}
		b := bytesAt(m, n)
		for i := range b {
			if b[i] != 0 {
				t.Fatalf("byte %d of a block of %d is not zero", i, n)
			}
			b[i] = 0xff
		}
		h := p.block(a.Offset() - blockHeaderSize)
		if h.Magic != BlockMagic || h.State != BlockAllocated || h.Tag != TagSection || h.Owner != 7 || int(h.Size) < n+blockHeaderSize {
			t.Fatalf("header of a block of %d: %+v", n, *h)
		}
		if a.Pool() != ownNumber {
			t.Fatalf("address %#x is not of pool %d", uint64(a), ownNumber)
		}
		as = append(as, a)
	}
	for _, a := range as {
		p.Free(a)
	}
	if p.hdr.Used != used || p.hdr.Blocks != blocks {
		t.Errorf("%d bytes in %d blocks after all were freed, want %d in %d", p.hdr.Used, p.hdr.Blocks, used, blocks)
	}
	extents := len(p.fds)
	for n := 1; n < 200_000; n = n*3/2 + 1 { // the same again comes from the free blocks, as zeros
		m, _, err := p.Alloc(TagSection, n, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range bytesAt(m, n) {
			if c != 0 {
				t.Fatalf("byte %d of a block of %d that was used before is not zero", i, n)
			}
		}
	}
	if len(p.fds) != extents {
		t.Errorf("%d extents, want %d: free blocks were not used again", len(p.fds), extents)
	}
}

func TestFreeTwicePanics(t *testing.T) {
	p := own(t, 1<<20)
	_, a, err := p.Alloc(TagPort, 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	p.Free(a)
	defer func() {
		if recover() == nil {
			t.Error("freeing a block twice went through")
		}
	}()
	p.Free(a)
}

func TestLimit(t *testing.T) {
	p := own(t, 100_000)
	var err error
	for err == nil {
		_, _, err = New[Message](p, TagMessage, 0)
	}
	var full *ErrFull
	if !errors.As(err, &full) || full.Tag != TagMessage || full.Limit != 100_000 {
		t.Fatalf("the pool filled up with %v", err)
	}
	if p.hdr.Used > p.hdr.Limit || p.hdr.Failures != 1 || p.hdr.FailureTag != TagMessage {
		t.Errorf("header %+v", *p.hdr)
	}
	p.RecordFailure(12345, TagSection, "a quota of somebody else's")
	if got := string(p.hdr.FailureQuota[:26]); p.hdr.Failures != 2 || p.hdr.FailureSize != 12345 || got != "a quota of somebody else's" {
		t.Errorf("%d failures, the last of %d bytes by %q", p.hdr.Failures, p.hdr.FailureSize, got)
	}
	if _, _, err := p.Alloc(TagPort, ExtentSize, 0); err == nil {
		t.Error("a block larger than an extent was cut")
	}
}

func TestLists(t *testing.T) {
	p := ofProcess(t)
	_, head, err := New[ListEntry](p, TagPort, 0)
	if err != nil {
		t.Fatal(err)
	}
	p.InitList(head)
	if p.First(head) != 0 {
		t.Error("an empty list has a first entry")
	}
	var es []Addr
	for range 5 {
		_, e, err := New[ListEntry](p, TagPort, 0)
		if err != nil {
			t.Fatal(err)
		}
		p.InsertTail(head, e)
		es = append(es, e)
	}
	p.Remove(es[2])
	p.Remove(es[2]) // on no list: nothing happens
	p.Remove(es[0])
	var got []Addr
	for e := p.First(head); e != 0 && e != head; e = At[ListEntry](p, e).Flink {
		got = append(got, e)
	}
	if want := []Addr{es[1], es[3], es[4]}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("list is %v, want %v", got, want)
	}
	if b := At[ListEntry](p, head).Blink; b != es[4] {
		t.Errorf("the last entry is %#x, want %#x", uint64(b), uint64(es[4]))
	}
}

func TestHandles(t *testing.T) {
	p := own(t, 1<<20)
	seen := map[Handle]bool{}
	for i := range 200 {
		h, err := p.NewHandle(Addr(i+1), PortAllAccess)
		if err != nil {
			t.Fatal(err)
		}
		if h == 0 || h%4 != 0 || seen[h] {
			t.Fatalf("handle %#x", h)
		}
		seen[h] = true
		if obj, access, ok := p.Lookup(h); !ok || obj != Addr(i+1) || access != PortAllAccess {
			t.Fatalf("handle %#x is object %d", h, obj)
		}
	}
	if p.hdr.HandleCount != 200 {
		t.Errorf("%d handles, want 200", p.hdr.HandleCount)
	}
	for _, h := range []Handle{8, 400} {
		if !p.CloseHandle(h) || p.CloseHandle(h) {
			t.Errorf("closing handle %#x", h)
		}
	}
	if h, err := p.NewHandle(1, 0); err != nil || h != 8 {
		t.Errorf("the next handle is %#x (%v), want the lowest free one, 8", h, err)
	}
	for _, h := range []Handle{0, 3, 1 << 20, 0xfffffffc} {
		if _, _, ok := p.Lookup(h); ok || p.CloseHandle(h) {
			t.Errorf("handle %#x is one", h)
		}
	}
}

func TestConcurrent(t *testing.T) {
	p := ofProcess(t)
	used := p.hdr.Used
	var wg sync.WaitGroup
	for k := range 8 {
		wg.Go(func() {
			for i := range 500 {
				m, a, err := New[Message](p, TagMessage, 0)
				if err != nil {
					t.Error(err)
					return
				}
				m.Generation = uint64(k*1000 + i)
				if got := At[Message](p, a).Generation; got != uint64(k*1000+i) {
					t.Errorf("block is shared: %d", got)
				}
				p.Free(a)
			}
		})
	}
	wg.Wait()
	if p.hdr.Used != used {
		t.Errorf("%d bytes left", p.hdr.Used-used)
	}
}

// TestRemote reads this process's own pool as another process would: through its
// descriptors.
func TestRemote(t *testing.T) {
	p := ofProcess(t)
	port, a, err := New[PortObject](p, TagPort, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Free(a)
	const text = `\RPC Control\remote`
	na, err := p.AllocText(TagPort, text, a)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Free(na)
	port.Flags, port.Connections, port.Name, port.NameLength = PortConnection, 3, na, uint64(len(text))
	r, err := OpenRemote(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if h, err := r.Header(); err != nil || h.ProcessID != uint32(os.Getpid()) || h.StartTime == 0 {
		t.Errorf("header %+v, %v", h, err)
	}
	found := false
	for _, q := range r.Ports() {
		found = found || q.Text == text && q.Connections == 3
	}
	if !found {
		t.Errorf("the port is not among %+v", r.Ports())
	}
	if _, err := OpenRemote(1 << 30); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the pool of no process: %v", err)
	}
}

func FuzzRemote(f *testing.F) {
	f.Add([]byte("LPCB\x40\x00\x00\x00Port\x01\x00\x00\x00"), uint32(64))
	f.Fuzz(func(t *testing.T, b []byte, off uint32) {
		ext := make([]byte, ExtentSize)
		copy(ext[off%ExtentSize:], b)
		r := &Remote{pid: 1, extents: map[uint32][]byte{0: ext}}
		_, _ = r.Header()
		r.Ports()
		r.Text(Addr(off), uint64(off))
	})
}

func TestStartTime(t *testing.T) {
	if got := parseStartTime([]byte("7 (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 99 20 21")); got != 99 {
		t.Errorf("field 22 is %d, want 99", got)
	}
}

// TestLock: a locked pool is in memory with what it grows by.
func TestLock(t *testing.T) {
	p, err := newPool(77)
	if err != nil {
		t.Fatal(err)
	}
	before := lockedKiB(t)
	if err := p.Lock(); err != nil {
		t.Fatal(err)
	}
	if p.Header().Locked != 1 {
		t.Error("the header does not say that the pool is locked")
	}
	for len(p.fds) == 1 {
		if _, _, err := p.Alloc(Tag{'T', 'e', 's', 't'}, 1000, 0); err != nil {
			t.Fatal(err)
		}
	}
	if n := lockedKiB(t) - before; n != 2*ExtentSize>>10 {
		t.Errorf("%d KiB are locked, want two extents", n)
	}
}

// lockedKiB is VmLck (proc(5)).
func lockedKiB(t *testing.T) int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(b), "VmLck:")
	n, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
