package ntdump

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/disk"
	"github.com/seed-eedd8485/lpc/target/elfcore"
	"github.com/seed-eedd8485/lpc/target/snapshot"
)

func open(t testing.TB, data []byte) *Target {
	t.Helper()
	d, err := nt.New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return New(d)
}

// A world is a machine with two processes and three threads.
type world struct {
	*dumptest.Machine
	system, server       uint64
	first, second, third uint64
}

func newWorld(p dumptest.Profile) *world {
	w := &world{Machine: dumptest.New(p)}
	w.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x200000})
	w.system = w.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	var space *dumptest.Space
	w.server, space = w.AddProcessSpace(dumptest.Process{ID: 0x1dc, Parent: 4, Image: "server.exe"})
	w.PutIn(space, 0x10000, []byte("server"))
	w.first = w.AddThread(w.system, dumptest.Thread{ID: 8, State: 2})
	w.second = w.AddThread(w.server, dumptest.Thread{ID: 0x1f4, State: 5})
	w.third = w.AddThread(w.server, dumptest.Thread{ID: 0x1f8, State: 5})
	w.AddProcessor(w.first)
	return w
}

// old are the profiles whose lists are described without the help of a user.
var old = []dumptest.Profile{dumptest.XP, dumptest.XPPAE, dumptest.Server2003, dumptest.X64}

func TestSystem(t *testing.T) {
	for _, p := range old {
		w := newWorld(p)
		tg := open(t, w.Dump(dumptest.BitmapKernel))
		var images []string
		for p := range tg.Processes() {
			images = append(images, p.Image)
			if p.Err != nil {
				t.Errorf("%s: %v", p.Image, p.Err)
			}
		}
		if !slices.Equal(images, []string{"System", "server.exe"}) {
			t.Errorf("%s: processes %q", p.Name, images)
		}
		for _, c := range []struct {
			process uint64
			want    []uint64
		}{{0, []uint64{w.first, w.second, w.third}}, {w.server, []uint64{w.second, w.third}}, {0x1dc, []uint64{w.second, w.third}}, {0x1e0, nil}} {
			var got []uint64
			for th := range tg.Threads(c.process) {
				got = append(got, th.Addr)
				if th.Err != nil {
					t.Errorf("%s: thread %#x: %v", p.Name, th.Addr, th.Err)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: threads of %#x: %#x, want %#x", p.Name, c.process, got, c.want)
			}
		}
		for _, id := range []uint64{w.server, 0x1dc} {
			if q, err := tg.Process(id); err != nil || q.Addr != w.server || q.ID != 0x1dc || q.Parent != 4 {
				t.Errorf("%s: process %#x: %+v, %v", p.Name, id, q, err)
			}
		}
		if _, err := tg.Process(0x9999); err == nil || !strings.Contains(err.Error(), "no process stands at 0x9999") {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

// Iterators stop where they are told to.
func TestStopEarly(t *testing.T) {
	tg := open(t, newWorld(dumptest.XP).Dump(dumptest.Full))
	n := 0
	for range tg.Processes() {
		n++
		break
	}
	for range tg.Threads(0) {
		n++
		break
	}
	if n != 2 {
		t.Errorf("%d values", n)
	}
}

// User addresses are those of the process in use; absent bytes come with the reason.
func TestMemory(t *testing.T) {
	for _, p := range old {
		w := newWorld(p)
		tg := open(t, w.Dump(dumptest.Full))
		b := []byte("______")
		n, err := tg.ReadMemory(0x10000, b)
		var absent *target.Absent
		if n != 0 || !errors.As(err, &absent) || absent.Addr != 0x10000 || absent.Why != "not mapped" || string(b) != "______" {
			t.Errorf("%s: %d bytes, %v", p.Name, n, err)
		}
		if err := tg.Use(w.server); err != nil {
			t.Fatal(err)
		}
		if n, err := tg.ReadMemory(0x10000, b); n != 6 || err != nil || string(b) != "server" {
			t.Errorf("%s: %d bytes %q, %v", p.Name, n, b, err)
		}
		if err := tg.Use(0); err != nil {
			t.Fatal(err)
		}
		if n, _ := tg.ReadMemory(0x10000, b); n != 0 {
			t.Errorf("%s: the space is still in use", p.Name)
		}
		if err := tg.Use(0x1000); err == nil {
			t.Errorf("%s: no process stands at 1000", p.Name)
		}
	}
}

// Each kind of dump has what it can have, and says why it lacks the rest.
func TestCapabilities(t *testing.T) {
	all := []target.Capability{target.Objects, target.Threads, target.Pools, target.Stacks, target.Registers, target.Modules, target.PageTables, target.Physical, target.Symbols, target.Disk}
	for _, c := range []struct {
		kind dumptest.Kind
		has  []target.Capability
		why  map[target.Capability]string
	}{
		{dumptest.Full, []target.Capability{target.Objects, target.Threads, target.Pools, target.Stacks, target.Registers, target.Modules, target.PageTables, target.Physical},
			map[target.Capability]string{target.Symbols: "there are no symbols for this dump", target.Disk: "is no disk"}},
		{dumptest.Triage, []target.Capability{target.Threads, target.Stacks, target.Registers, target.Modules},
			map[target.Capability]string{target.Objects: "a triage dump holds no objects, handles and ports", target.Pools: "a triage dump holds no pools", target.PageTables: "a triage dump holds no page tables", target.Physical: "a triage dump holds no physical memory"}},
		{dumptest.HeaderOnly, []target.Capability{target.Registers},
			map[target.Capability]string{target.Threads: "no threads can be read: the dump holds no memory", target.Stacks: "the dump holds no memory", target.Objects: "the dump holds no memory", target.Modules: "the module list"}},
	} {
		w := newWorld(dumptest.XP)
		w.Header.Context = w.Record("_CONTEXT", dumptest.Registers{"Eip": 0x804d8000, "Esp": 0xf8e02000})
		if c.kind == dumptest.Triage {
			w.SaveContext(0, dumptest.Registers{"Eip": 0x804d8000, "Esp": 0xf8e02000})
		}
		tg := open(t, w.Dump(c.kind))
		for _, one := range all {
			why := tg.Lacks(one)
			if has := slices.Contains(c.has, one); tg.Has(one) != has || has != (why == "") {
				t.Errorf("kind %d, capability %d: has %v, lacks %q", c.kind, one, tg.Has(one), why)
			}
			if want := c.why[one]; want != "the module list" && !strings.Contains(why, want) {
				t.Errorf("kind %d, capability %d: lacks %q, want %q", c.kind, one, why, want)
			}
		}
		if !tg.Has(0) || tg.Lacks(0) != "" {
			t.Errorf("kind %d lacks nothing's worth: %q", c.kind, tg.Lacks(0))
		}
	}
}

// A build that nothing is known of: threads are refused, not guessed.
func TestUnknownBuild(t *testing.T) {
	p := dumptest.XP
	p.Build = 2195
	tg := open(t, newWorld(p).Dump(dumptest.Full))
	if why := tg.Lacks(target.Threads); !strings.Contains(why, "the structures of build 2195 of x86 are not known; .isf FILE gives them") {
		t.Errorf("%q", why)
	}
	if tg.Types(0) != nil || tg.Version() != "Windows 2000" {
		t.Errorf("types %v, %s", tg.Types(0), tg.Version())
	}
}

// Without a list of threads, those that the processors ran are shown.
func TestRunning(t *testing.T) {
	w := newWorld2(t)
	tg := open(t, w.Dump(dumptest.BitmapKernel))
	var got []uint64
	refused := false
	for th := range tg.Threads(0) {
		if th.Err != nil {
			refused = strings.Contains(th.Err.Error(), "is not described for build 19041")
			continue
		}
		got = append(got, th.Addr)
	}
	if !refused || !slices.Equal(got, []uint64{w.first}) {
		t.Errorf("threads %#x, told why: %v", got, refused)
	}
}

// newWorld2 is a machine of Windows 10.
func newWorld2(t *testing.T) *world {
	t.Helper()
	w := &world{Machine: dumptest.New(dumptest.Win10)}
	w.system = w.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	w.first = w.AddThread(w.system, dumptest.Thread{ID: 0x108, State: 2})
	w.AddThread(w.system, dumptest.Thread{ID: 0x10c, State: 5})
	w.AddProcessor(w.first)
	return w
}

// The clock: a tick is what the kernel's variable says; the count comes from the
// shared page, else from the uptime.
func TestClock(t *testing.T) {
	w := newWorld(dumptest.XP)
	if _, _, ok := open(t, w.Dump(dumptest.Full)).Ticks(); ok {
		t.Error("a tick is known without its variable")
	}
	w.SetVariable("KeTimeIncrement", 100144)
	w.Header.Uptime = 1000 * 100144
	tg := open(t, w.Dump(dumptest.Full))
	now, each, ok := tg.Ticks()
	if !ok || now != 1000 || each != 10014400*time.Nanosecond {
		t.Errorf("%d ticks of %v, %v", now, each, ok)
	}
	at, ok := target.Time(tg, w.server, 998)
	if want := tg.Now().Add(-2 * each); !ok || !at.Equal(want) {
		t.Errorf("two ticks ago is %v, want %v", at, want)
	}
	w.Number(0xffdf0000, 0x12345, 4)
	if now, _, _ := open(t, w.Dump(dumptest.Full)).Ticks(); now != 0x12345 {
		t.Errorf("the shared page says %#x", now)
	}
}

// What the files are that are opened here, and what is no dump says what it is.
func TestFormat(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	formats := target.Formats{snapshot.Format, elfcore.Format, Format, disk.Format}
	good := write("MEMORY.DMP", newWorld(dumptest.XP).Dump(dumptest.Full))
	tg, err := formats.Open(good)
	if err != nil {
		t.Fatal(err)
	}
	if d := tg.Describe(); !strings.HasPrefix(d, "Windows XP build 2600 service pack 3 x86, full dump "+good+", written 2009-") {
		t.Errorf("it is %s", d)
	}
	if err := tg.Close(); err != nil {
		t.Error(err)
	}
	sector := make([]byte, 512)
	copy(sector, "PK\x03\x04")
	sector[0x1fe], sector[0x1ff] = 0x55, 0xaa
	for _, c := range []struct{ name, data, want string }{
		{"user.dmp", "MDMP\x93\xa7" + strings.Repeat("\x00", 100), "a minidump of a Windows user process"},
		{"dump.zip", "PK\x03\x04" + strings.Repeat("\x00", 100), "a zip archive; unpack the dump first"},
		{"dump.gz", "\x1f\x8b\x08" + strings.Repeat("\x00", 100), "compressed with gzip"},
		{"hiberfil.sys", "HIBR" + strings.Repeat("\x00", 100), "a Windows hibernation file"},
		{"empty", "", "it is empty"},
		{"short", "PAGEDUMP", "4096 bytes expected, 8 left"},
		{"text", "hello, world\n", "which is none of: "},
	} {
		_, err := formats.Open(write(c.name, []byte(c.data)))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if Format.Match(sector) {
		t.Error("a boot sector that begins like an archive is taken for a dump")
	}
	if _, err := formats.Open(filepath.Join(dir, "none.dmp")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// The names of builds.
func TestVersion(t *testing.T) {
	for _, c := range []struct {
		p       dumptest.Profile
		build   uint32
		product uint64
		want    string
	}{
		{dumptest.XP, 2600, 1, "Windows XP"}, {dumptest.Server2003, 3790, 3, "Windows Server 2003"}, {dumptest.X64, 3790, 1, "Windows XP"},
		{dumptest.X64, 3790, 3, "Windows Server 2003"}, {dumptest.Win10, 19041, 1, "Windows 10"}, {dumptest.Win10, 22631, 1, "Windows 11"},
		{dumptest.Win10, 7601, 3, "Windows Server 2008 R2"}, {dumptest.Win10, 1381, 1, "Windows NT"},
	} {
		c.p.Build = c.build
		tg := open(t, dumptest.New(c.p).Dump(dumptest.HeaderOnly))
		tg.d.Header().Product.Value = c.product // the writer makes workstations
		if got := tg.Version(); got != c.want {
			t.Errorf("build %d, product %d is %s, want %s", c.build, c.product, got, c.want)
		}
	}
}
