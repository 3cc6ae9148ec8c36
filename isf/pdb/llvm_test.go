package pdb

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/llvmtest"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/isf"
)

// link compiles testdata/source for an architecture of LLVM's name and links it;
// it returns the database's path.
func link(t testing.TB, arch, source string, compile ...string) string {
	t.Helper()
	lld := needs.Tool(t, "lld-link", "lld")
	dir := t.TempDir()
	llvmtest.Compile(t, dir, arch, filepath.Join("testdata", source), compile...)
	llvmtest.Run(t, dir, lld, "/debug", "/nodefaultlib", "/entry:entry", "/subsystem:native", "a.obj", "/out:a.exe")
	return filepath.Join(dir, "a.pdb")
}

func open(t testing.TB, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Skipped() {
		t.Errorf("skipped: %s", s)
	}
	return f
}

func listing(t testing.TB, types isf.Types, name string) string {
	t.Helper()
	l := types.Layout(name)
	if l == nil {
		t.Fatalf("%s is not described", name)
	}
	var b strings.Builder
	if err := isf.List(&b, types, l, isf.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var (
	arches  = []string{"i686", "x86_64", "aarch64"}
	sources = []string{"port.c", "classes.cc"}
)

// dumped is what llvm-pdbutil says of a file, as far as it is compared.
type dumped struct {
	id        string
	layouts   map[string][]string // by our name: "sizeof N", then "offset name bits"
	enums     map[string][]string // "value name"
	publics   []string            // "rva name"
	functions []string            // "rva size name"
	frames    []string
	sections  []uint64
}

var (
	reRecord  = regexp.MustCompile("^ +0x([0-9A-F]+) \\| (LF_\\w+) \\[size = \\d+\\](?: `(.*)`)?")
	reMember  = regexp.MustCompile("- LF_MEMBER \\[name = `(.*)`, Type = 0x([0-9A-F]+)(?: \\(.*\\))?, offset = (\\d+)")
	reBase    = regexp.MustCompile(`- LF_BCLASS`)
	reBaseAt  = regexp.MustCompile(`type = 0x[0-9A-F]+(?: \(.*\))?, offset = (\d+)`)
	reVfunc   = regexp.MustCompile(`- LF_VFUNCTAB`)
	reValue   = regexp.MustCompile(`- LF_ENUMERATE \[(.*) = (-?\d+)\]`)
	reList    = regexp.MustCompile(`field list: (0x[0-9A-F]+|<no type>)`)
	reSizeof  = regexp.MustCompile(`sizeof (\d+)`)
	reBits    = regexp.MustCompile(`bit offset = (\d+), # bits = (\d+)`)
	rePublic  = regexp.MustCompile("S_PUB32 \\[size = \\d+\\] `(.*)`")
	reAddr    = regexp.MustCompile(`addr = (\d+):(\d+)`)
	reProc    = regexp.MustCompile("S_[GL]PROC32 \\[size = \\d+\\] `(.*)`")
	reCode    = regexp.MustCompile(`code size = (\d+)`)
	reVirtual = regexp.MustCompile(`^ *([0-9A-F]+) virtual address`)
	reFrame   = regexp.MustCompile(`^([0-9A-F]{8}) \| +(\d+) \| +(\d+) \| +(\d+) \| +\d+ \| +(\d+) \| +(\d+) \| +(true|false) \| +\w+ \| +(true|false) \| (.*)$`)
	reGUID    = regexp.MustCompile(`GUID: \{(.*)\}`)
	reAge     = regexp.MustCompile(`Age: (\d+)`)
)

// dump runs llvm-pdbutil and reads what it prints.
func dump(t testing.TB, path string) dumped {
	t.Helper()
	text := llvmtest.Run(t, "", needs.Tool(t, "llvm-pdbutil", "llvm"), "dump", "--summary", "--section-headers", "--types",
		"--publics", "--symbols", "--fpo", "--dont-resolve-forward-refs", path)
	d := dumped{layouts: map[string][]string{}, enums: map[string][]string{}}
	lists, bits := map[string][]string{}, map[string]string{}
	var index, leaf, name, list, public, proc string
	guid := ""
	rva := func(m []string) uint64 {
		s, _ := strconv.Atoi(m[1])
		o, _ := strconv.ParseUint(m[2], 10, 64)
		return d.sections[s-1] + o
	}
	sc := bufio.NewScanner(strings.NewReader(text))
	// Types stand before the section headers: addresses are worked out behind.
	var later []func()
	for sc.Scan() {
		line := sc.Text()
		if m := reRecord.FindStringSubmatch(line); m != nil {
			index, leaf, name, list = m[1], m[2], m[3], ""
			continue
		}
		switch {
		case reGUID.MatchString(line):
			guid = strings.ReplaceAll(reGUID.FindStringSubmatch(line)[1], "-", "")
		case reAge.MatchString(line) && d.id == "":
			age, _ := strconv.Atoi(reAge.FindStringSubmatch(line)[1])
			d.id = fmt.Sprintf("%X", age)
		case reMember.MatchString(line):
			m := reMember.FindStringSubmatch(line)
			lists[index] = append(lists[index], m[3]+" "+m[1]+bits[m[2]])
		case reBase.MatchString(line):
			leaf = "LF_BCLASS"
		case leaf == "LF_BCLASS" && reBaseAt.MatchString(line):
			lists[index] = append(lists[index], reBaseAt.FindStringSubmatch(line)[1]+" base")
			leaf = "LF_FIELDLIST"
		case reVfunc.MatchString(line):
			lists[index] = append(lists[index], "0 __VFN_table")
		case reValue.MatchString(line):
			m := reValue.FindStringSubmatch(line)
			lists[index] = append(lists[index], m[2]+" "+m[1])
		case leaf == "LF_BITFIELD" && reBits.MatchString(line):
			m := reBits.FindStringSubmatch(line)
			bits[index] = " " + m[1] + "+" + m[2]
		}
		if m := reList.FindStringSubmatch(line); m != nil {
			list = strings.TrimPrefix(m[1], "0x")
			if leaf == "LF_ENUM" && list != "<no type>" {
				d.enums[ourName(name, index)] = lists[list]
			}
		}
		if m := reSizeof.FindStringSubmatch(line); m != nil && list != "<no type>" && list != "" {
			d.layouts[ourName(name, index)] = append([]string{"sizeof " + m[1]}, lists[list]...)
		}
		if m := rePublic.FindStringSubmatch(line); m != nil {
			public, proc = m[1], ""
		}
		if m := reProc.FindStringSubmatch(line); m != nil {
			public, proc = "", m[1]
		}
		if m := reAddr.FindStringSubmatch(line); m != nil {
			if public != "" {
				n := public
				later = append(later, func() { d.publics = append(d.publics, fmt.Sprintf("%#x %s", rva(m), n)) })
				public = ""
			}
			if c := reCode.FindStringSubmatch(line); proc != "" && c != nil {
				n := proc
				later = append(later, func() { d.functions = append(d.functions, fmt.Sprintf("%#x %s %s", rva(m), c[1], n)) })
				proc = ""
			}
		}
		if m := reVirtual.FindStringSubmatch(line); m != nil {
			v, _ := strconv.ParseUint(m[1], 16, 64)
			d.sections = append(d.sections, v)
		}
		if m := reFrame.FindStringSubmatch(line); m != nil {
			d.frames = append(d.frames, strings.Join(m[1:], " "))
		}
	}
	for _, f := range later {
		f()
	}
	d.id = guid + d.id
	return d
}

// ourName is how package pdb calls what a compiler left without a name.
func ourName(name, index string) string {
	if u := (udt{name: name}); u.unnamed() {
		return "__unnamed_" + strings.ToLower(index)
	}
	return name
}

// Everything that both read must be equal, for each machine and source.
func TestAgainstLLVM(t *testing.T) {
	for _, arch := range arches {
		for _, source := range sources {
			t.Run(arch+"/"+source, func(t *testing.T) {
				path := link(t, arch, source)
				f, d := open(t, path), dump(t, path)
				if f.Identity().String() != d.id {
					t.Errorf("identity %s, want %s", f.Identity(), d.id)
				}
				compareTypes(t, f, d)
				var publics, functions []string
				types := f.Types()
				for _, line := range d.publics {
					at, name, _ := strings.Cut(line, " ")
					want, _ := strconv.ParseUint(at, 0, 64)
					if rva, ok := types.Symbol(name); rva != want || !ok {
						t.Errorf("%s stands at %#x, %v; want %#x", name, rva, ok, want)
					}
					publics = append(publics, line)
				}
				for _, fn := range f.Functions() {
					functions = append(functions, fmt.Sprintf("%#x %d %s", fn.RVA, fn.Size, fn.Name))
				}
				if len(publics) < 3 || !slices.Equal(functions, d.functions) || len(functions) < 3 {
					t.Errorf("functions %q\nwant %q\n%d publics", functions, d.functions, len(publics))
				}
				for _, fn := range f.Functions() {
					name, distance, ranges, ok := types.Nearest(fn.RVA + fn.Size - 1)
					if name != fn.Name || distance != fn.Size-1 || !ranges || !ok {
						t.Errorf("%s's last byte is %s+%#x, %v, %v", fn.Name, name, distance, ranges, ok)
					}
				}
				compareFrames(t, f, d)
			})
		}
	}
}

func compareTypes(t *testing.T, f *File, d dumped) {
	t.Helper()
	types := f.Types()
	if len(d.layouts) < 3 || len(types.Names()) != len(d.layouts) {
		t.Errorf("%d structures %q, want %d", len(types.Names()), types.Names(), len(d.layouts))
	}
	for name, want := range d.layouts {
		l := types.Layout(name)
		if l == nil {
			t.Errorf("%s is not described", name)
			continue
		}
		got := []string{fmt.Sprintf("sizeof %d", l.Size)}
		for _, fl := range l.Fields {
			line := fmt.Sprintf("%d %s", fl.Offset, fl.Name)
			if fl.Anonymous {
				line = fmt.Sprintf("%d base", fl.Offset)
			}
			if fl.Type.Kind == isf.Bits {
				line += fmt.Sprintf(" %d+%d", fl.Type.BitPosition, fl.Type.BitLength)
			}
			got = append(got, line)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, want)
		}
	}
	for name, values := range d.enums {
		for _, v := range values {
			number, want, _ := strings.Cut(v, " ")
			n, _ := strconv.ParseInt(number, 10, 64)
			// llvm-pdbutil prints an int's -1 as 4294967295.
			if got := types.Enum(name, n); got != want && types.Enum(name, int64(int32(n))) != want {
				t.Errorf("%s %d is %q, want %q", name, n, got, want)
			}
		}
	}
}

func compareFrames(t *testing.T, f *File, d dumped) {
	t.Helper()
	var got []string
	for _, e := range f.frameData {
		got = append(got, fmt.Sprintf("%08X %d %d %d %d %d %v %v %s", e.start, e.frame.Size, e.frame.Locals, e.frame.Params,
			e.frame.Prolog, e.frame.Registers, e.frame.SEH, e.frame.Start, e.frame.Program))
	}
	for i := range d.frames {
		d.frames[i] = strings.TrimRight(d.frames[i], " ")
	}
	for i := range got {
		got[i] = strings.TrimRight(got[i], " ")
	}
	if !slices.Equal(got, d.frames) || f.Machine() == machineI386 && len(got) < 3 {
		t.Errorf("frames:\ngot  %q\nwant %q", got, d.frames)
	}
	for _, fn := range f.Functions() {
		frame, ok := f.FPO(fn.RVA)
		if ok != (f.Machine() == machineI386) || ok && (!frame.Start || frame.Offset != 0 || uint64(frame.Size) != fn.Size) {
			t.Errorf("%s: %+v, %v", fn.Name, frame, ok)
		}
		if last, ok := f.FPO(fn.RVA + fn.Size); ok && !last.Start {
			t.Errorf("behind %s: %+v", fn.Name, last)
		}
	}
}

// The compiler's layout of the port object, printed, is the seed's listing.
func TestPortObjectFromCompiler(t *testing.T) {
	f := open(t, link(t, "i686", "port.c"))
	want, err := os.ReadFile("../testdata/port_object.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := listing(t, f.Types(), "_LPCP_PORT_OBJECT"); got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	got := listing(t, f.Types(), "_KINDS") + listing(t, open(t, link(t, "x86_64", "port.c")).Types(), "_KINDS")
	// Names of what has none hold its index, which is the compiler's choice.
	golden.Text(t, "kinds.txt", regexp.MustCompile(`__unnamed_[0-9a-f]+`).ReplaceAllString(got, "__unnamed_#"))
	if l := f.Types().Layout("LPCP_PORT_OBJECT"); l.Size != 0xa4 {
		t.Errorf("it has %#x bytes", l.Size)
	}
}

// Members of a base class are found as a debugger shows them.
func TestClasses(t *testing.T) {
	f := open(t, link(t, "x86_64", "classes.cc"))
	types := f.Types()
	golden.Text(t, "classes.txt", listing(t, types, "spool::Job")+listing(t, types, "spool::Queue")+
		listing(t, types, "spool::Base"))
	for path, offset := range map[string]int{"count": 8, "other": 16, "state.letter": 20, "spool::Base.count": 8} {
		if fl, err := isf.Find(types, types.Layout("spool::Job"), path); err != nil || fl.Offset != offset {
			t.Errorf("%s: %+v, %v; want offset %d", path, fl, err, offset)
		}
	}
	if types.Enum("spool::Job::Kind", 200) != "All" {
		t.Errorf("200 is %q", types.Enum("spool::Job::Kind", 200))
	}
	// The linker's spelling and the source's.
	decorated, ok1 := types.Symbol("?drive@spool@@YAHPEAUBase@1@@Z")
	plain, ok2 := types.Symbol("spool::drive")
	if !ok1 || !ok2 || decorated != plain {
		t.Errorf("%#x, %v; %#x, %v", decorated, ok1, plain, ok2)
	}
}

// Saved as ISF and read again, a database lists its structures as before.
func TestSavedAsISF(t *testing.T) {
	for _, source := range sources {
		f := open(t, link(t, "i686", source))
		path := filepath.Join(t.TempDir(), "a.json")
		out, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := isf.Write(out, f.Types()); err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := isf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := isf.MetadataOf(f.Types())
		if m, _ := isf.MetadataOf(again); m.GUID != want.GUID || m.Age != want.Age || m.Machine != machineI386 || m.PDB != "a.pdb" {
			t.Errorf("%+v, want %+v", m, want)
		}
		for _, name := range f.Types().Names() {
			want := listing(t, f.Types(), name)
			// The format does not tell what a function returns.
			want = regexp.MustCompile(`Ptr32     .* \n`).ReplaceAllString(want, "Ptr32 Function\n")
			if got := listing(t, again, name); got != want {
				t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
			}
		}
		for _, fn := range f.Functions() {
			if rva, ok := again.Symbol(fn.Name); rva != fn.RVA || !ok {
				t.Errorf("%s stands at %#x, %v; want %#x", fn.Name, rva, ok, fn.RVA)
			}
		}
	}
}
