package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/internal/pool/pooltest"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/live"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

// view is the test's own process, with a pool of two extents, beside a process
// that may not be read.
func view(t testing.TB) *lpcpool.View {
	t.Helper()
	pooltest.Grown(t)
	l, err := live.Open(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return lpcpool.New(append(l.Pools(), &lpcpool.Pool{
		Number: 1 << 23, Process: target.Process{ID: 1 << 23, Image: "shy", Err: errors.New("process 8388608 may not be read: no")},
		Ports: []target.Object{{Type: "Port", Name: "x", Path: `\RPC Control\x`}},
	}))
}

var info = Info{Taken: time.Date(2026, 11, 1, 2, 3, 4, 5, time.UTC), BootID: "b", System: "Linux", Host: "h", Release: "6", Machine: "m"}

func written(t testing.TB, v *lpcpool.View) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, v, info); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func file(t testing.TB, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func opened(t testing.TB, b []byte) *Target {
	t.Helper()
	s, err := Open(file(t, b))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// said is what a view says of blocks and ports, with their bytes.
func said(v *lpcpool.View) (l []string) {
	for p := range v.Processes() {
		l = append(l, fmt.Sprintf("%+v", p))
	}
	for b := range v.Blocks("") {
		body := make([]byte, max(b.Size, 32)-32)
		n, whole, err := v.ReadRecord(b.Body, body)
		l = append(l, fmt.Sprintf("%+v %x %v %v", b, body[:n], whole, err))
	}
	ports, _ := v.Ports()
	for o := range ports {
		l = append(l, fmt.Sprintf("%+v", o))
	}
	return l
}

func TestThereAndBack(t *testing.T) {
	v := view(t)
	b := written(t, v)
	s := opened(t, b)
	want, got := said(v), said(s.View)
	for i := range min(len(want), len(got)) {
		if !same(want[i], got[i]) {
			t.Fatalf("line %d is\n%.300s\nwant\n%.300s", i, got[i], want[i])
		}
	}
	if len(want) != len(got) {
		t.Errorf("%d lines, want %d", len(got), len(want))
	}
	want2 := info
	want2.Processes = 2
	if s.Info() != want2 || !s.Now().Equal(info.Taken) || s.Lost() != "" || !Format.Match(b) {
		t.Errorf("info %+v, lost %q", s.Info(), s.Lost())
	}
	if d := s.Describe(); !strings.Contains(d, "of 2 processes, taken 2026-11-01T02:03:04Z on h (Linux 6 m)") {
		t.Errorf("it describes itself as %q", d)
	}
	if len(b) > 64<<10 {
		t.Errorf("%d bytes for a pool of a few records", len(b))
	}
}

// same compares lines but for the pointers of error values and monotonic clocks.
func same(a, b string) bool { return strip(a) == strip(b) }

func strip(s string) string {
	for {
		i := strings.Index(s, "Start:")
		if i < 0 {
			break
		}
		j := strings.Index(s[i:], " Err:")
		if j < 0 {
			break
		}
		s = s[:i] + s[i+j:]
	}
	return s
}

// TestCutShort: whatever is left of a file opens, names every process that it
// names, shows what is whole, and says what is lost.
func TestCutShort(t *testing.T) {
	v := view(t)
	b := written(t, v)
	whole := said(opened(t, b).View)
	opens := 0
	for n := 0; n < len(b); n += 1 + len(b)/400 {
		s, err := Open(file(t, b[:n]))
		if err != nil {
			if opens > 0 {
				t.Fatalf("%d bytes do not open, fewer did: %v", n, err)
			}
			continue
		}
		opens++
		if s.Lost() == "" || !strings.Contains(s.Describe(), s.Lost()) {
			t.Errorf("%d of %d bytes: it does not say that it was cut short", n, len(b))
		}
		for _, line := range said(s.View) {
			if !strings.Contains(line, "Err:<nil>") {
				continue // it says what is missing
			}
			if strings.HasPrefix(line, "{Addr") && !slices.ContainsFunc(whole, func(w string) bool { return same(w, line) }) {
				t.Errorf("%d of %d bytes: it says what the whole file does not:\n%.300s", n, len(b), line)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if opens == 0 {
		t.Error("no file that was cut short opens")
	}
}

func TestDamaged(t *testing.T) {
	b := written(t, view(t))
	at := func(change func(b []byte)) []byte { c := bytes.Clone(b); change(c); return c }
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"empty":        {nil, "its header of 16 bytes: the file ends in it"},
		"other file":   {at(func(b []byte) { b[0] = 'X' }), `expected "LPCSNAP\x00"`},
		"version":      {at(func(b []byte) { b[8] = 2 }), "it has version 2, this program reads 1"},
		"no chunk":     {b[:16], "the file ends at 0x10 without an end chunk"},
		"chunk header": {at(func(b []byte) { b[16+4] ^= 1 }), "the header of the chunk at 0x10: its checksum is"},
		"info":         {at(func(b []byte) { b[16+32+5] ^= 1 }), "the chunk at 0x10: its checksum is"},
	} {
		_, err := Open(file(t, c.b))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	// A bit in an extent: its bytes are absent, with the reason.
	s := opened(t, at(func(b []byte) { b[bytes.Index(b, []byte(chunkMagic+"\x03\x00\x00\x00"))+60] ^= 1 }))
	text := strings.Join(said(s.View), "\n")
	if !strings.Contains(text, "the snapshot's chunk at 0x") {
		t.Errorf("a damaged extent is not told:\n%.2000s", text)
	}
}

// TestTorn: blocks that did not keep still are marked in the file.
func TestTorn(t *testing.T) {
	c := &lpcpool.Copy{Bytes: make([]byte, pool.ExtentSize), Data: 1, Missing: 1 << 2, Torn: []uint32{0x40, 0x1000}}
	c.Bytes[7] = 9
	u, err := parseContent(content(c))
	if err != nil || !slices.Equal(u.torn, c.Torn) || u.data != 1 || u.missing != 4 || !bytes.Equal(u.b, c.Bytes) {
		t.Fatalf("torn %x data %x missing %x (%v)", u.torn, u.data, u.missing, err)
	}
	e := &extent{file: &Target{cache: map[*extent]*unpacked{}}}
	e.file.cache[e] = u
	if !e.Torn(0x40) || e.Torn(0x80) || !e.Hole(0x1000) || e.Hole(0) {
		t.Error("what is torn, and what is a hole, is not told")
	}
	b := make([]byte, 3*pageSize)
	if n, why := e.ReadAt(b, 4000); n != 2*pageSize-4000 || why != notReadable {
		t.Errorf("%d bytes, then %q", n, why)
	}
}

func TestSave(t *testing.T) {
	v := view(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	for range 2 { // the second replaces the first
		n, err := Save(path, v, info)
		st, err2 := os.Stat(path)
		if err != nil || err2 != nil || st.Size() != n || st.Mode().Perm() != 0o600 {
			t.Fatalf("%d bytes, %v, %v, %v", n, err, err2, st)
		}
	}
	if _, err := Save(filepath.Join(dir, "none", "s"), v, info); err == nil {
		t.Error("saving into no directory succeeds")
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Save(filepath.Join(dir, "d"), v, info); err == nil {
		t.Error("saving over a directory succeeds")
	}
	l, err := os.ReadDir(dir)
	if err != nil || len(l) != 2 {
		t.Errorf("left behind: %v (%v)", l, err)
	}
	if err := Write(failing{}, v, info); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a writer that fails: %v", err)
	}
}

type failing struct{}

func (failing) Write(b []byte) (int, error) { return 0, io.ErrShortWrite }

func FuzzOpen(f *testing.F) {
	b := written(f, view(f))
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add(b[:40])
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Open(file(t, b))
		if err != nil {
			return
		}
		defer func() { _ = s.Close() }()
		for b := range s.Blocks("") {
			_, _, _ = s.ReadRecord(b.Body, make([]byte, 64))
		}
		for range s.Names("") {
		}
	})
}

func FuzzContent(f *testing.F) {
	f.Add(content(&lpcpool.Copy{Bytes: make([]byte, pool.ExtentSize), Data: 5, Missing: 2, Torn: []uint32{64}}))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = parseContent(b) })
}
