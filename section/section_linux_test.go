package section

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/proctest"
)

func TestMain(m *testing.M) {
	proctest.Run(map[string]func() error{"peer": peer})
	before, mapped := proctest.Descriptors(), mappings()
	code := m.Run()
	if after := proctest.Descriptors(); code == 0 && after != before {
		fmt.Fprintf(os.Stderr, "descriptors leaked: %d before the tests, %d after\n", before, after)
		code = 1
	}
	if after := mappings(); code == 0 && after != mapped {
		fmt.Fprintf(os.Stderr, "mappings leaked: %d before the tests, %d after\n", mapped, after)
		code = 1
	}
	os.Exit(code)
}

func TestCreate(t *testing.T) {
	page := os.Getpagesize()
	for size, want := range map[int]int{1: page, page - 1: page, page: page, page + 1: 2 * page, 1 << 20: 1 << 20} {
		s, fd := create(t, "lpc:create", size)
		if s.Size() != want || len(s.Bytes()) != want || cap(s.Bytes()) != want {
			t.Errorf("size %d: got %d, %d bytes, capacity %d; want %d", size, s.Size(), len(s.Bytes()), cap(s.Bytes()), want)
		}
		if !bytes.Equal(s.Bytes(), make([]byte, want)) {
			t.Errorf("size %d: new memory is not zero", size)
		}
		if have, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0); err != nil || have&seals != seals {
			t.Errorf("size %d: seals %#x and error %v, want %#x", size, have, err, seals)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("size %d: descriptor flags %#x and error %v, want close-on-exec", size, flags, err)
		}
		for _, to := range []int{0, want - page, want + page} {
			if err := unix.Ftruncate(fd, int64(to)); err != unix.EPERM {
				t.Errorf("size %d: resizing to %d: got %v, want EPERM", size, to, err)
			}
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_FUTURE_WRITE); err != unix.EPERM {
			t.Errorf("size %d: adding a seal: got %v, want EPERM", size, err)
		}
	}
	if got := smaps(t, "lpc:create")["Size"]; got == 0 {
		t.Error("the name is not in /proc/self/smaps")
	}
}

func TestCreateRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		label string
		size  int
	}{
		"zero":           {"x", 0},
		"negative":       {"x", -1},
		"largest":        {"x", math.MaxInt},
		"more than fits": {"x", math.MaxInt - 1<<20},
		"long name":      {strings.Repeat("n", 250), 1},
		"name with NUL":  {"a\x00b", 1},
	} {
		if s, fd, err := Create(c.label, c.size); err == nil || s != nil || fd != -1 {
			t.Errorf("%s: got %v, descriptor %d, error %v", name, s, fd, err)
		}
	}
	// One byte less is a name.
	create(t, strings.Repeat("n", 249), 1)
}

func TestOpenSharesMemory(t *testing.T) {
	a, fd := create(t, "lpc:shared", 3*os.Getpagesize())
	b := open(t, fd, a.Size())
	copy(a.Bytes(), "from a")
	b.Bytes()[b.Size()-1] = 'b'
	if got := string(b.Bytes()[:6]); got != "from a" {
		t.Errorf("b reads %q", got)
	}
	if got := a.Bytes()[a.Size()-1]; got != 'b' {
		t.Errorf("a reads %q", got)
	}
	if err := a.Unmap(); err != nil {
		t.Fatal(err)
	}
	if got := string(b.Bytes()[:6]); got != "from a" {
		t.Errorf("b reads %q after a was unmapped", got)
	}
}

func TestUnmap(t *testing.T) {
	s, _ := create(t, "lpc:unmap", 1)
	size := s.Size()
	for range 2 {
		if err := s.Unmap(); err != nil {
			t.Fatal(err)
		}
		if s.Bytes() != nil {
			t.Error("there are bytes after Unmap")
		}
	}
	if got := smaps(t, "lpc:unmap"); len(got) != 0 {
		t.Errorf("still mapped: %v", got)
	}
	if s.Size() != size {
		t.Errorf("size %d after Unmap, want %d", s.Size(), size)
	}
	if err := s.Discard(0, size); !errors.Is(err, ErrUnmapped) {
		t.Errorf("Discard: got %v, want ErrUnmapped", err)
	}
	if err := s.DontDump(); !errors.Is(err, ErrUnmapped) {
		t.Errorf("DontDump: got %v, want ErrUnmapped", err)
	}
}

func TestDiscardWholePagesOnly(t *testing.T) {
	page := os.Getpagesize()
	s, _ := create(t, "lpc:discard", 4*page)
	for _, c := range []struct{ off, n, from, to int }{ // what becomes zero
		{0, 4 * page, 0, 4 * page},
		{page, page, page, 2 * page},
		{1, 2 * page, page, 2 * page},
		{1, 2*page - 1, page, 2 * page},
		{1, 2*page - 2, 0, 0},
		{page - 1, page + 2, page, 2 * page},
		{0, page - 1, 0, 0},
		{0, page + 1, 0, page},
		{5, 0, 0, 0},
		{4 * page, 0, 0, 0},
		{3*page + 1, page - 1, 0, 0},
	} {
		want := bytes.Repeat([]byte{0xAA}, 4*page)
		copy(s.Bytes(), want)
		clear(want[c.from:c.to])
		if err := s.Discard(c.off, c.n); err != nil {
			t.Errorf("Discard(%d, %d): %v", c.off, c.n, err)
		}
		if !bytes.Equal(s.Bytes(), want) {
			t.Errorf("Discard(%d, %d): other bytes than [%d, %d) became zero", c.off, c.n, c.from, c.to)
		}
	}
	for _, c := range [][2]int{{-1, 1}, {0, -1}, {0, 4*page + 1}, {4 * page, 1}, {4*page + 1, 0}, {1, math.MaxInt}, {math.MaxInt, math.MaxInt}, {math.MinInt, 1}} {
		if err := s.Discard(c[0], c[1]); err == nil {
			t.Errorf("Discard(%d, %d): no error", c[0], c[1])
		}
	}
}

func TestDiscardGivesPagesBack(t *testing.T) {
	const size = 1 << 20
	a, fd := create(t, "lpc:resident", size)
	b := open(t, fd, size)
	for i := range a.Bytes() {
		a.Bytes()[i] = 1
	}
	sum := 0
	for _, c := range b.Bytes() {
		sum += int(c)
	}
	if sum != size {
		t.Fatalf("b reads %d bytes of a's", sum)
	}
	if got := smaps(t, "lpc:resident")["Rss"]; got != 2*size/1024 {
		t.Errorf("resident before: %d KiB in two mappings, want %d", got, 2*size/1024)
	}
	if err := b.Discard(0, size/2); err != nil {
		t.Fatal(err)
	}
	if got := smaps(t, "lpc:resident")["Rss"]; got != size/1024 {
		t.Errorf("resident after half was discarded: %d KiB, want %d", got, size/1024)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	if got := st.Blocks * 512; got != size/2 {
		t.Errorf("the memory itself has %d bytes, want %d", got, size/2)
	}
	if !bytes.Equal(a.Bytes()[:size/2], make([]byte, size/2)) || a.Bytes()[size/2] != 1 {
		t.Error("the other mapping does not read zeros in that half alone")
	}
}

func TestDontDump(t *testing.T) {
	s, _ := create(t, "lpc:nodump", 1)
	if _, set := smaps(t, "lpc:nodump")["dd"]; set {
		t.Fatal("the flag is set from the start")
	}
	if err := s.DontDump(); err != nil {
		t.Fatal(err)
	}
	if _, set := smaps(t, "lpc:nodump")["dd"]; !set {
		t.Error("VmFlags in /proc/self/smaps has no dd")
	}
}

func create(t *testing.T, name string, size int) (*Section, int) {
	t.Helper()
	s, fd, err := Create(name, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Close(fd)
		if err := s.Unmap(); err != nil {
			t.Error(err)
		}
	})
	return s, fd
}

func open(t *testing.T, fd, size int) *Section {
	t.Helper()
	s, err := Open(fd, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Unmap(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// smaps adds up the figures (KiB) of all mappings of the memfd with that name
// in proc_pid_smaps(5), and has its VmFlags as keys.
func smaps(t *testing.T, name string) map[string]int {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]int{}
	ours := false
	for line := range strings.Lines(string(raw)) {
		key, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		if strings.Contains(key, "-") { // an address range; the name has a colon
			ours = strings.Contains(line, "/memfd:"+name+" ")
			continue
		}
		var n int
		if !ours {
			continue
		} else if key == "VmFlags" {
			for flag := range strings.FieldsSeq(rest) {
				sums[flag]++
			}
		} else if _, err := fmt.Sscanf(rest, "%d kB", &n); err == nil {
			sums[key] += n
		}
	}
	return sums
}

func mappings() int {
	raw, _ := os.ReadFile("/proc/self/maps")
	return bytes.Count(raw, []byte("/memfd:"))
}
