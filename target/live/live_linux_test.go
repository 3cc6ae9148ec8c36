package live

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/internal/pool/pooltest"
	"github.com/seed-eedd8485/lpc/target"
)

// own is the test's own process with a pool of at least two extents.
func own(t *testing.T) (*pool.Pool, *Target) {
	t.Helper()
	p := pooltest.Grown(t)
	l, err := Open(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return p, l
}

func blocks(t *testing.T, l *Target) (out []target.Block) {
	t.Helper()
	for b := range l.Blocks("") {
		if b.Err != nil {
			t.Errorf("block %#x: %v", b.Addr, b.Err)
		}
		out = append(out, b)
	}
	return out
}

func TestOwn(t *testing.T) {
	_, l := own(t)
	p, err := l.Process(uint64(os.Getpid()))
	if err != nil || p.Err != nil || p.Image != "live.test" || p.Parent != uint32(os.Getppid()) || p.Start.IsZero() {
		t.Errorf("the process is %+v (%v)", p, err)
	}
	if n := len(blocks(t, l)); n < 3 {
		t.Errorf("%d blocks", n)
	}
}

// TestNotSealed: a file that can shrink is no extent, whatever its name.
func TestNotSealed(t *testing.T) {
	_, l := own(t)
	want := blocks(t, l)
	fd, err := unix.MemfdCreate("lpc:pool", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Ftruncate(fd, pool.ExtentSize); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := blocks(t, l); !slices.Equal(got, want) {
			t.Errorf("%d blocks, want %d", len(got), len(want))
		}
		if err := l.Refresh(); err != nil {
			t.Fatal(err)
		}
	}
	if _, l := own(t); len(l.Pools()[0].Extents) != int(extents(t)) {
		t.Errorf("%d extents, want %d", len(l.Pools()[0].Extents), extents(t))
	}
}

func extents(t *testing.T) uint32 {
	t.Helper()
	p, err := pool.Process()
	if err != nil {
		t.Fatal(err)
	}
	return p.Header().Extents
}

// TestDamagedExtent: an extent whose header is damaged is placed by its mapping.
func TestDamagedExtent(t *testing.T) {
	p, l := own(t)
	want := blocks(t, l)
	for _, at := range []pool.Addr{0, pool.ExtentSize} {
		h := pool.At[pool.ExtentHeader](p, at)
		saved := *h
		*h = pool.ExtentHeader{}
		var got []target.Block
		var told []string
		d, err := Open(os.Getpid())
		if err == nil {
			for b := range d.Blocks("") {
				if b.Err == nil {
					got = append(got, b)
				} else {
					told = append(told, b.Err.Error())
				}
			}
			err = d.Close()
		}
		*h = saved
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) || len(told) != 1 || told[0] != "the extent's header is damaged: its blocks were found by their magic number" {
			t.Errorf("extent at %#x: blocks\n%+v\nwant\n%+v\nand it says %q", at, got, want, told)
		}
	}
}

// TestForeignPool: a process that holds another's pool has none of its own.
func TestForeignPool(t *testing.T) {
	_, _ = own(t)
	l, err := poolFiles(os.Getpid())
	if err != nil || len(l) < 2 {
		t.Fatalf("pool files %v (%v)", l, err)
	}
	f, err := os.Open(l[0].path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.ExtraFiles = []*os.File{f}
	cmd.Stdout = new(bytes.Buffer)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	_, err = Open(pid)
	want := fmt.Sprintf("process %d has no pool of its own: it holds that of process %d, from which it was forked", pid, os.Getpid())
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %q", err, want)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// A scan reads extents where they are mapped, and leaves holes as they are: a large block
// that its process has not written takes no memory afterwards either.
func TestScanLeavesHoles(t *testing.T) {
	p, _ := own(t)
	for { // the block is the last of its extent: it was never written, beside its header
		_, a, err := p.Alloc(pool.Tag{'H', 'o', 'l', 'e'}, 200<<10, 0)
		if err != nil {
			t.Fatal(err)
		}
		if a.Offset()%pool.ExtentSize < 4096 {
			break
		}
	}
	pages := func() (n int64) {
		l, err := poolFiles(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range l {
			var st unix.Stat_t
			if err := unix.Stat(e.path, &st); err != nil {
				t.Fatal(err)
			}
			n += st.Blocks
		}
		return n
	}
	l, err := Open(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	before := pages()
	if n := len(blocks(t, l)); n < 4 {
		t.Errorf("%d blocks", n)
	}
	found := 0
	for b := range l.Blocks("Hole") {
		if found++; b.Err != nil || !b.Allocated {
			t.Errorf("%+v", b)
		}
	}
	if after := pages(); found == 0 || after != before {
		t.Errorf("%d blocks were found; the pool took %d units of 512 bytes, and %d behind the scan", found, before, after)
	}
	mapped := 0
	for _, e := range l.Pools()[0].Extents {
		if e.(*file).mem != nil {
			mapped++
		}
	}
	if mapped == 0 {
		t.Error("no extent was read where it is mapped")
	}
}
