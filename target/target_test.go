package target_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

// fake is a target of pools without extents: what it knows is names.
type fake struct {
	*lpcpool.View
	name   string
	now    time.Time
	closed *int
}

func (f *fake) Describe() string { return f.name }
func (f *fake) Now() time.Time   { return f.now }
func (f *fake) Close() error     { *f.closed++; return nil }

var errDenied = errors.New("process may not be read")

// fakes are targets of processes; a negative number is one that may not be read.
func fakes(now time.Time, closed *int, names string, pids ...int) *fake {
	var pools []*lpcpool.Pool
	for _, pid := range pids {
		p := &lpcpool.Pool{Number: uint32(max(pid, -pid)), Process: target.Process{ID: uint32(max(pid, -pid)), Image: names}}
		if pid < 0 {
			p.Process.Err = errDenied
			p.Ports = []target.Object{{Type: "Port", Name: names, Path: `\RPC Control\` + names}}
		}
		pools = append(pools, p)
	}
	return &fake{lpcpool.New(pools), names, now, closed}
}

func TestJoin(t *testing.T) {
	closed := 0
	early, late := time.Unix(100, 0), time.Unix(200, 0)
	a, b := fakes(early, &closed, "a", 1, -2, -5), fakes(late, &closed, "b", 2, 3, -6)
	j, err := target.Join(a, b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for p := range j.System().Processes() {
		s := p.Image
		if p.Err != nil {
			s += "!"
		}
		got = append(got, s)
		again, err := j.System().Process(uint64(p.ID))
		if err != nil || again != p {
			t.Errorf("process %d is %+v (%v), want %+v", p.ID, again, err, p)
		}
	}
	// Process 2 is of b, who can read it.
	if want := []string{"a", "a!", "b", "b", "b!"}; !slices.Equal(got, want) {
		t.Errorf("processes %q, want %q", got, want)
	}
	var names []string
	for o := range j.System().Names("") {
		names = append(names, o.Name)
	}
	if !slices.Equal(names, []string{"RPC Control"}) {
		t.Errorf("the root has %q, want one directory once", names)
	}
	if !j.Now().Equal(late) || j.Describe() != "a; b" || j.PointerSize() != 8 || !j.Has(target.Pools) || j.Lacks(target.Disk) == "" {
		t.Errorf("now %v, %q", j.Now(), j.Describe())
	}
	var absent *target.Absent
	if _, err := j.ReadMemory(9<<40, make([]byte, 1)); !errors.As(err, &absent) || absent.Addr != 9<<40 {
		t.Errorf("nobody's memory: %v", err)
	}
	if _, _, err := target.ReadRecord(j, 5<<40|0x60, make([]byte, 1)); err == nil || !strings.Contains(err.Error(), errDenied.Error()) {
		t.Errorf("memory of who may not be read: %v", err)
	}
	if err := j.Close(); err != nil || closed != 2 {
		t.Errorf("%d were closed (%v)", closed, err)
	}
}

func TestCannotJoin(t *testing.T) {
	closed := 0
	now := time.Now()
	for want, l := range map[string][]target.Target{
		"joining no targets":                            nil,
		"a and b both hold process 2":                   {fakes(now, &closed, "a", 1, 2), fakes(now, &closed, "b", 2)},
		"c cannot be joined with others: its addresses": {fakes(now, &closed, "a", 1), struct{ target.Target }{fakes(now, &closed, "c", 2)}},
	} {
		if _, err := target.Join(l...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	one := fakes(now, &closed, "a", 1)
	if j, err := target.Join(one); err != nil || j != target.Target(one) {
		t.Errorf("one target joined is %v (%v), want itself", j, err)
	}
	if closed != 0 {
		t.Errorf("%d targets were closed", closed)
	}
}

func TestFormats(t *testing.T) {
	which := ""
	format := func(name, magic string) target.Format {
		return target.Format{
			Name:  name,
			Match: func(head []byte) bool { return strings.HasPrefix(string(head), magic) },
			Open:  func(string) (target.Target, error) { which = name; return nil, nil },
		}
	}
	l := target.Formats{format("long", "magic2"), format("short", "magic")}
	dir := t.TempDir()
	open := func(content string) error {
		path := filepath.Join(dir, "f")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		which = ""
		_, err := l.Open(path)
		return err
	}
	for content, want := range map[string]string{"magic2": "long", "magic3": "short", "magic" + strings.Repeat("x", 1<<16): "short"} {
		if err := open(content); err != nil || which != want {
			t.Errorf("%.10s was opened as %q (%v), want %q", content, which, err, want)
		}
	}
	for content, want := range map[string]string{"": "it begins with nothing (it is empty), which is none of: long, short", "ab": "it begins with 61 62, which is none of: long, short"} {
		if err := open(content); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: %v, want %q", content, err, want)
		}
	}
	if _, err := l.Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := l.Open(dir); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory: %v", err)
	}
}
