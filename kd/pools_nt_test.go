package kd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/kd"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/ntdump"
)

// A poolScene is a machine with small pools: blocks of several tags, one of them
// charged to a process, a free one, large allocations, special and session pool.
type poolScene struct {
	*dumptest.Machine
	types                    string
	system                   uint64
	file, port, charged, big uint64
	special                  uint64
}

// poolScenes are the machines, with the file that describes each.
var poolScenes = map[string]struct {
	p     dumptest.Profile
	types string
}{
	"xp": {dumptest.XP, "xp-x86"}, "2003": {dumptest.Server2003, "2003sp1-x86"}, "2003_x64": {dumptest.X64, "2003sp2-x64"},
}

func newPoolScene(p dumptest.Profile, types string, noTags bool, more ...func(*dumptest.Pools)) *poolScene {
	s := &poolScene{Machine: dumptest.New(p), types: types}
	kernel := dumptest.Image{Name: "ntoskrnl.exe", Code: make([]byte, 0x1000), Exports: map[string]uint32{"ExAllocatePool": 0x100, "ExAllocatePoolWithTag": 0x200}}
	all := dumptest.ExportsOf(kernel, s.AddImage(kernel, 0, nil, true))
	code := append(make([]byte, 0x20), 0x68, 'M', 'i', 'n', 'e', 0xba, 'P', 'o', 'r', 'd'|0x80)
	s.AddImage(dumptest.Image{Name: "mine.sys", Code: code, Imports: from("ExAllocatePoolWithTag")}, 0, all, true)
	s.system = s.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	s.AddProcessor(s.AddThread(s.system, dumptest.Thread{ID: 8, State: 2}))
	pools := s.AddPools(dumptest.PoolOptions{NoTags: noTags})
	u := pools.Unit()
	s.file = pools.Alloc(dumptest.PoolBlock{Tag: "File", Size: 10 * u, Content: []byte("a file object and more than is shown of it")})
	pools.Hole(false, 3*u, "Irp ")
	pools.Alloc(dumptest.PoolBlock{Tag: "Irp ", Size: 8 * u})
	s.port = pools.Alloc(dumptest.PoolBlock{Tag: "Port", Size: 12 * u, Paged: true, Protected: true})
	s.charged = pools.Alloc(dumptest.PoolBlock{Tag: "Mine", Size: 6 * u, Billed: s.system})
	pools.Alloc(dumptest.PoolBlock{Tag: "Mine", Size: 6 * u, Paged: true})
	s.big = pools.Big("MmCm", false, 3, 3*4096, []byte("large"))
	pools.Freed("Irp ", false, 128)
	for _, f := range more {
		f(pools)
	}
	pools.Finish()
	s.special = 0xf8000000
	if p.Bits == 64 {
		s.special = 0xfffffadf80000000
	}
	s.SetVariable("MmSpecialPoolStart", s.special)
	s.SetVariable("MmSpecialPoolEnd", s.special+0x10000)
	s.Put(s.special, []byte{0x64, 0, 0, 0, 'S', 'p', 'c', '1'})
	s.SetVariable("NtGlobalFlag", 0x1000)
	return s
}

func (s *poolScene) symbols(t testing.TB) string {
	t.Helper()
	types, err := os.ReadFile("../ntdump/types/" + s.types + ".json")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "nt.json")
	if err := os.WriteFile(path, s.ISF(types, "_MMPAGING_FILE"), 0o600); err != nil {
		t.Fatal(err)
	}
	return `.isf "` + path + `"`
}

// lines are the commands that are tried on a scene.
func (s *poolScene) lines() []string {
	return []string{
		"!poolused", "!poolused 1", "!poolused 2 M*", "!poolused 4 Port", `!poolused 0 "Irp "`, "!poolused 8",
		"!poolfind File", `!poolfind "Irp "`, "!poolfind Port 1", "!poolfind 0x656e694d", "!poolfind MmCm", "!poolfind * 2", "!poolfind File 4", "!poolfind ?ine 1",
		f("!pool %x", s.file+4), f("!pool %x 1", s.charged), f("!pool %x 2", s.port), f("!pool %x 80000002", s.file), f("!pool %x", s.big+0x1010), f("!pool %x", s.special+0xff0),
		f("!pool %x", s.DebuggerData()), "!pool 5000", "!poolleak", "!poolleak Mine", "!poolleak Pord", "!poolleak MmCm", "!poolleak Nope", "!vm 1",
	}
}

// The commands on each machine, with symbols and without.
func TestWindowsPools(t *testing.T) {
	for name, c := range poolScenes {
		t.Run(name, func(t *testing.T) {
			s := newPoolScene(c.p, c.types, false)
			data := s.Dump(dumptest.BitmapKernel)
			tg := openDump(t, data)
			if _, _, err := run(t, tg, s.symbols(t)); err != nil {
				t.Fatal(err)
			}
			golden.Text(t, "windows/pools_"+name+".txt", transcript(t, tg, s.lines()...))
			golden.Text(t, "windows/pools_"+name+"_nosymbols.txt", transcript(t, openDump(t, data), s.lines()...))
		})
	}
}

// XP without pool tagging: it is said, and the blocks are counted.
func TestNoTagging(t *testing.T) {
	s := newPoolScene(dumptest.XP, "xp-x86", true)
	tg := openDump(t, s.Dump(dumptest.Full))
	text, _, err := run(t, tg, "!poolused")
	if err != nil || !strings.HasPrefix(text, "pool tagging is off on this machine: before Server 2003 it is on only where the global flag 400 (gflags /r +ptg) was set. The kernel kept no counts; the blocks themselves were counted\n") ||
		!strings.Contains(text, "\n Mine        1        48        1        48\t") || !strings.Contains(text, "large allocations of NonPaged pool were not counted") {
		t.Errorf("%v\n%s", err, text)
	}
	text, _, err = run(t, tg, s.symbols(t)+"; !poolused")
	if err != nil || !strings.Contains(text, "NtGlobalFlag is 00001000.") || !strings.Contains(text, "\n MmCm        1     12288        0         0\t") {
		t.Errorf("%v\n%s", err, text)
	}
}

// A user's table of tags, on top of kd's own.
func TestPooltag(t *testing.T) {
	s := newPoolScene(dumptest.XP, "xp-x86", false)
	tg := openDump(t, s.Dump(dumptest.Full))
	dir := t.TempDir()
	path := filepath.Join(dir, "pooltag.txt")
	if err := os.WriteFile(path, []byte("rem test\r\nMine - mine.sys - what the driver mine holds\r\nFile - \x1b[31m.sys - other\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(dir, "bad.txt")
	if err := os.WriteFile(bad, []byte("nothing of it\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(transcript(t, tg, ".pooltag", "!poolused 0 Mine", `.pooltag "`+path+`"`, "!poolused 0 Mine", "!poolused 0 File", `.pooltag "`+bad+`"`, ".pooltag "+dir+"/none", ".pooltag -", "!poolused 0 Mine"), dir, "DIR")
	golden.Text(t, "windows/pooltag.txt", text)
}

// Files of images are searched too, with the place in each.
func TestPoolleakImages(t *testing.T) {
	s := newPoolScene(dumptest.Server2003, "2003sp1-x86", false, func(p *dumptest.Pools) {
		p.Alloc(dumptest.PoolBlock{Tag: "Away", Size: 80})
		p.Alloc(dumptest.PoolBlock{Tag: "None", Size: 80})
		p.Alloc(dumptest.PoolBlock{Tag: "Ddk ", Size: 80})
	})
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "drivers"), 0o700); err != nil {
		t.Fatal(err)
	}
	code := append(make([]byte, 0x20), 0xc7, 0x44, 0x24, 0x08, 'A', 'w', 'a', 'y', 0x68, 'D', 'd', 'k', ' ')
	for name, img := range map[string]dumptest.Image{
		"drivers/away.sys": {Name: "away.sys", Code: code, Imports: from("ExAllocatePoolWithTag")},
		"drivers/mine.sys": {Name: "mine.sys", Code: []byte{0x68, 'M', 'i', 'n', 'e'}, Imports: from("ExAllocatePoolWithTag")},
		"old.SYS":          {Name: "old.sys", Code: []byte("text: Away"), Imports: from("ExAllocatePool")},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), s.ImageFile(img), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"broken.sys": "MZ no image", "readme.txt": "Away"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tg := openDump(t, s.Dump(dumptest.BitmapKernel))
	lines := []string{"!poolleak Away", "!poolleak Away --images " + dir, "!poolleak --images=" + dir + " None", `!poolleak "Ddk " --images ` + dir, "!poolleak Mine --images " + dir,
		"!poolleak Away --images " + dir + "/none", "!poolleak Away --images", "!poolleak --images " + dir, "!poolleak A*", "!poolleak Away Away", "!poolleak Awayy"}
	golden.Text(t, "windows/poolleak_images.txt", strings.ReplaceAll(transcript(t, tg, lines...), dir, "DIR"))
	empty := t.TempDir()
	if _, _, err := run(t, tg, "!poolleak Away --images "+empty); err == nil || !strings.Contains(err.Error(), "holds no image (.sys, .dll, .exe)") {
		t.Error(err)
	}
}

// What grew between two dumps of a machine; symbols of the later one are the earlier
// one's too.
func TestPooldiffDumps(t *testing.T) {
	grow := func(blocks int) func(*dumptest.Pools) {
		return func(p *dumptest.Pools) {
			for range blocks {
				p.Alloc(dumptest.PoolBlock{Tag: "Grow", Size: 256})
			}
			p.Alloc(dumptest.PoolBlock{Tag: "Same", Size: 128, Paged: true})
		}
	}
	const hour = 3600 * 10_000_000
	before := newPoolScene(dumptest.Server2003, "2003sp1-x86", false, grow(10))
	now := newPoolScene(dumptest.Server2003, "2003sp1-x86", false, grow(1000))
	now.Header.Time, now.Header.Uptime = before.Header.Time+2*hour, before.Header.Uptime+2*hour
	path := filepath.Join(t.TempDir(), "before.dmp")
	write := func(s *poolScene) {
		if err := os.WriteFile(path, s.Dump(dumptest.BitmapKernel), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	diff := func(line string) string {
		s := kd.NewSession(openDump(t, now.Dump(dumptest.BitmapKernel)))
		s.Open = func(path string) (target.Target, error) { return ntdump.Open(path) }
		var b strings.Builder
		if err := s.Run(context.Background(), &b, now.symbols(t)+"; "+line); err != nil {
			fmt.Fprintf(&b, "error: %s\n", err)
		}
		_, text, _ := strings.Cut(b.String(), "\n")
		return strings.ReplaceAll(text, path, "FILE")
	}
	write(before)
	line := `!pooldiff "` + path + `"`
	text := diff(line)
	golden.Text(t, "windows/pooldiff.txt", text)
	if !strings.Contains(text, " Grow      +990     +253440        +495       +126720  nonpaged pool: 990 allocated, 0 freed\n") || strings.Contains(text, "Same") {
		t.Errorf("%s", text)
	}
	before.Header.Uptime -= hour / 2 // it began half an hour later than the other
	write(before)
	if text := diff(line); !strings.Contains(text, "the machine was started anew in between") {
		t.Errorf("%s", text)
	}
	write(newPoolScene(dumptest.XP, "xp-x86", false))
	if text := diff(line); !strings.Contains(text, "they are of different kernels: build 2600 then, build 3790 now") {
		t.Errorf("%s", text)
	}
}

// What a pool holds cannot steer a terminal.
func TestHostilePools(t *testing.T) {
	evil := "\x1b]0;x\x07\nkd> \u202e"
	s := newPoolScene(dumptest.XP, "xp-x86", false, func(p *dumptest.Pools) {
		p.Alloc(dumptest.PoolBlock{Tag: "\x1b[1m", Size: 256, Content: []byte(evil + "plain text and " + evil)})
		p.Alloc(dumptest.PoolBlock{Tag: "None", Size: 256, Content: []byte(evil)})
	})
	s.AddPageFiles(dumptest.PageFile{Name: evil, Current: 1})
	s.AddModule(dumptest.Module{Name: evil + ".sys", Size: 0x4000})
	tg := openDump(t, s.Dump(dumptest.Full))
	for _, json1 := range []bool{false, true} {
		for _, line := range append(s.lines(), "!poolleak None", "!poolleak \x1b[1m", "!poolfind \x1b*", "!vm", `!poolused 1 "`+evil+`"`) {
			k := kd.NewSession(tg)
			if err := k.Run(context.Background(), &strings.Builder{}, s.symbols(t)); err != nil {
				t.Fatal(err)
			}
			k.JSON = json1
			var b bytes.Buffer
			text := ""
			if err := k.Run(context.Background(), &b, line); err != nil {
				text = err.Error()
			}
			text += b.String()
			for _, r := range strings.NewReplacer("\n", "", "\t", "").Replace(text) {
				if !unicode.IsPrint(r) {
					t.Fatalf("%s: %U in %q", line, r, text)
				}
			}
			if !json1 && strings.Contains(text, "\nkd> ") {
				t.Fatalf("%s: a name began a line of its own: %q", line, text)
			}
			if json1 && b.Len() > 0 && !json.Valid(b.Bytes()) {
				t.Errorf("%s: not JSON: %s", line, b.String())
			}
		}
	}
}

// An interrupted search says how far it came.
func TestPoolfindInterrupted(t *testing.T) {
	s := newPoolScene(dumptest.XP, "xp-x86", false, func(p *dumptest.Pools) {
		for range 5000 {
			p.Alloc(dumptest.PoolBlock{Tag: "Many", Size: 64})
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	w := writerFunc(func(b []byte) (int, error) {
		if bytes.Contains(b, []byte("Many\n")) {
			cancel()
		}
		return len(b), nil
	})
	var all bytes.Buffer
	k := kd.NewSession(openDump(t, s.Dump(dumptest.Full)))
	_ = k.Run(ctx, multi{&all, w}, "!poolfind Many") // whether an interrupt is an error is the command's to say
	if !strings.Contains(all.String(), "...terminating - searched pool to ") || strings.Count(all.String(), "Many\n") >= 5000 {
		t.Errorf("%d lines, ends with %q", strings.Count(all.String(), "\n"), all.String()[max(0, all.Len()-200):])
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

type multi []interface{ Write([]byte) (int, error) }

func (m multi) Write(b []byte) (n int, err error) {
	for _, w := range m {
		if n, err = w.Write(b); err != nil {
			return n, err
		}
	}
	return n, nil
}
