package object

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// A world is a machine with an object manager and one process.
type world struct {
	*dumptest.Machine
	o       *dumptest.Objects
	process uint64
	port    uint64
}

var machines = []dumptest.Profile{dumptest.XP, dumptest.XPPAE, dumptest.Server2003, dumptest.X64}

func newWorld(p dumptest.Profile, lists bool) *world {
	w := &world{Machine: dumptest.New(p)}
	w.o = w.NewObjects(dumptest.ObjectOptions{Lists: lists})
	w.process = w.AddProcess(dumptest.Process{ID: 0x1dc, Image: "server.exe"})
	w.port = w.o.AddPort(dumptest.Port{Flags: dumptest.ConnectionPort, Name: "spool", Process: w.process, Creator: [2]uint64{0x1dc, 0x1e0}, Handles: 2, Pointers: 5})
	return w
}

func (w *world) open(t testing.TB) *Reader {
	t.Helper()
	data := w.Dump(dumptest.Full)
	d, err := ntdump.New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAt(t *testing.T) {
	for _, p := range machines {
		for _, lists := range []bool{true, false} {
			w := newWorld(p, lists)
			quota := w.o.Add(dumptest.Object{Type: w.o.Type("Semaphore"), Tag: "Sema", Size: 0x40, Name: "gate", Directory: w.o.RPC, Quota: true, Handles: 1, Pointers: 2, Creator: 8})
			r := w.open(t)
			o, err := r.At(w.port)
			if err != nil {
				t.Fatal(err)
			}
			creator := uint64(0)
			if lists {
				creator = 0x1dc
			}
			want := Object{Body: w.port, Header: w.port - w.Offset("_OBJECT_HEADER.Body"), Type: w.o.Type("Port"), TypeName: "Port", Name: "spool", Directory: w.o.RPC, Creator: creator, Handles: 2, Pointers: 5}
			if o != want {
				t.Errorf("%s, lists %v: %+v, want %+v", p.Name, lists, o, want)
			}
			if path := r.Path(&o); path != `\RPC Control\spool` {
				t.Errorf("%s: path %q", p.Name, path)
			}
			if o, err := r.At(quota); err != nil || o.Name != "gate" || o.TypeName != "Semaphore" {
				t.Errorf("%s: %+v, %v", p.Name, o, err)
			}
			for _, at := range []uint64{0, 8, w.port + 4, w.port + 1, w.port - 8, 0x9fff0000, ^uint64(0), w.process} {
				if o, err := r.At(at); err == nil {
					t.Errorf("%s: an object stands at %#x: %+v", p.Name, at, o)
				}
			}
		}
	}
}

func TestNamespace(t *testing.T) {
	for _, p := range machines {
		w := newWorld(p, false)
		deep := w.o.AddDirectory(w.o.RPC, "Deep", 0)
		w.o.Add(dumptest.Object{Type: w.o.Type("Semaphore"), Tag: "Sema", Size: 0x40, Name: "gate", Directory: deep, Pointers: 1})
		r := w.open(t)
		for path, want := range map[string]string{`\`: "Directory", "": "Directory", `\RPC Control`: "Directory", `\rpc control\SPOOL`: "Port", `\RPC Control\Deep\gate`: "Semaphore", `\ObjectTypes\WaitablePort`: "Type"} {
			o, err := r.Lookup(path)
			if err != nil || o.TypeName != want {
				t.Errorf("%s: %s is %s, %v", p.Name, path, o.TypeName, err)
			}
			if strings.HasPrefix(path, `\`) && !strings.EqualFold(r.Path(&o), path) {
				t.Errorf("%s: %s has the path %s", p.Name, path, r.Path(&o))
			}
		}
		if _, err := r.Lookup(`\RPC Control\none`); !errors.Is(err, ErrNone) {
			t.Errorf("%s: %v", p.Name, err)
		}
		if _, err := r.Lookup(`\RPC Control\spool\x`); err == nil || errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "is no directory but an object of type Port") {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

func TestLists(t *testing.T) {
	for _, p := range machines {
		for _, lists := range []bool{true, false} {
			w := newWorld(p, lists)
			ports := []uint64{w.port}
			for range 5 {
				ports = append(ports, w.o.AddPort(dumptest.Port{Flags: dumptest.UnconnectedPort}))
			}
			r := w.open(t)
			typ, err := r.TypeObject("Port")
			if err != nil || typ != w.o.Type("Port") {
				t.Fatalf("%s: type %#x, %v", p.Name, typ, err)
			}
			if n, err := r.Count(typ); n != 6 || err != nil {
				t.Errorf("%s: %d objects, %v", p.Name, n, err)
			}
			var found []uint64
			for at, err := range r.List(typ) {
				if err != nil {
					t.Error(err)
				}
				found = append(found, at)
			}
			if listed, err := r.Listed(typ); listed != lists || err != nil {
				t.Errorf("%s: listed %v, %v", p.Name, listed, err)
			}
			if lists != slices.Equal(found, ports) || !lists && len(found) > 0 {
				t.Errorf("%s, lists %v: %x, want %x", p.Name, lists, found, ports)
			}
		}
	}
	w := newWorld(dumptest.XP, true)
	if _, err := w.open(t).TypeObject("Nothing"); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

// Tables of one to three levels, with handles at the edges of their parts.
func TestHandles(t *testing.T) {
	for _, p := range machines {
		per := 0x1000 / uint64(p.Pointer()*2)                                      // entries of a leaf
		pointers := 0x1000 / uint64(p.Pointer())                                   // of a table of pointers
		for levels, last := range []uint64{per - 1, per*pointers - 1, 1<<22 - 1} { // the last: index of handle fffffc
			w := newWorld(p, false)
			h := w.AddHandles(w.process, dumptest.HandleTable{Levels: levels + 1})
			var want []uint64
			for _, index := range []uint64{1, 2, per - 1, per + 1, 2*per - 1, per * 7 / 2, per*pointers - 1, per*pointers + 1, last} {
				if index <= last && !slices.Contains(want, index*4) {
					want = append(want, index*4)
					h.Set(index*4, w.port, 0x1f0001|index&0xf, 0)
				}
			}
			slices.Sort(want)
			h.Free(4*3, 0x14)
			h.Set(4*4, w.port, 0x100000, dumptest.HandleInherit|dumptest.HandleProtected)
			h.Set(4*5, w.port, 0x100000, dumptest.HandleAudit)
			want = slices.Insert(want, slices.Index(want, 8)+1, 16, 20)
			r := w.open(t)
			table, err := r.Table(w.process)
			if err != nil {
				t.Fatal(err)
			}
			if table.Levels != levels+1 || table.Count != int64(len(want)) || table.Addr != h.Table || table.Top != h.Code {
				t.Errorf("%s: table %+v", p.Name, table)
			}
			var got []uint64
			for x := range table.Handles() {
				switch {
				case x.Err != nil:
					t.Error(x.Err)
				case x.Entry != h.Entry(x.Value):
					t.Errorf("%s: handle %#x has its entry at %#x, want %#x", p.Name, x.Value, x.Entry, h.Entry(x.Value))
				case x.Body == 0:
					if x.Value == 12 && x.Next != 0x14 {
						t.Errorf("%s: the free entry leads to %#x", p.Name, x.Next)
					}
					continue
				case x.Body != w.port:
					t.Errorf("%s: handle %#x is %#x", p.Name, x.Value, x.Body)
				}
				if x.Inherit != (x.Value == 16) || x.Protected != (x.Value == 16) || x.Audit != (x.Value == 20) {
					t.Errorf("%s: %+v", p.Name, x)
				}
				got = append(got, x.Value)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, %d levels: %x, want %x", p.Name, levels+1, got, want)
			}
		}
	}
}

func TestCidTable(t *testing.T) {
	for _, p := range machines {
		w := newWorld(p, false)
		ids := w.AddCidTable(2)
		ids.SetBody(0x1dc, w.process)
		table, err := w.open(t).CidTable()
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for h := range table.Handles() {
			if h.Err != nil || h.Body != 0 && (h.Body != w.process || h.Value != 0x1dc) {
				t.Errorf("%s: %+v", p.Name, h)
			}
			found = found || h.Body != 0
		}
		if !found {
			t.Errorf("%s: nobody has an id", p.Name)
		}
	}
}

// Without a table, with types that lack a member, without debugger data.
func TestMissing(t *testing.T) {
	w := newWorld(dumptest.XP, false)
	r := w.open(t)
	if _, err := r.Table(w.process); err == nil || !strings.Contains(err.Error(), "has no handle table") {
		t.Error(err)
	}
	if _, err := r.CidTable(); err == nil || !strings.Contains(err.Error(), "PspCidTable") {
		t.Error(err)
	}
	content := r.types.(isf.Described).Content()
	for i := range content.Layouts {
		if content.Layouts[i].Name == "_OBJECT_TYPE" {
			content.Layouts[i].Fields = slices.DeleteFunc(slices.Clone(content.Layouts[i].Fields), func(f isf.Field) bool { return f.Name == "TypeList" })
		}
	}
	types, err := isf.New(content)
	if err != nil {
		t.Fatal(err)
	}
	r.d.SetTypes(types)
	if _, err := New(r.d); err == nil || !strings.Contains(err.Error(), "does not describe _OBJECT_TYPE.TypeList") {
		t.Error(err)
	}
}

// Every walk over a damaged dump ends, and none panics.
func FuzzObjects(f *testing.F) {
	type built struct {
		data []byte
		w    *world
	}
	var dumps []built
	for _, p := range machines {
		w := newWorld(p, true)
		h := w.AddHandles(w.process, dumptest.HandleTable{Levels: 3})
		h.Set(4, w.port, 1, 0)
		w.AddCidTable(1).SetBody(0x1dc, w.process)
		dumps = append(dumps, built{w.Dump(dumptest.Full), w})
	}
	f.Add(uint8(0), uint32(0x5000), []byte{0xff, 0xff, 0xff, 0xff}, uint32(0x9000), []byte{1, 2, 3, 4})
	f.Add(uint8(3), uint32(0x20000), bytes.Repeat([]byte{0x41}, 64), uint32(0x100), []byte{0})
	f.Fuzz(func(t *testing.T, which uint8, at uint32, b []byte, at2 uint32, b2 []byte) {
		x := dumps[int(which)%len(dumps)]
		data := bytes.Clone(x.data)
		copy(data[int(at)%len(data):], b)
		copy(data[int(at2)%len(data):], b2)
		d, err := ntdump.New(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		if r, err := New(d); err == nil {
			walkAll(r, x.w)
		}
	})
}

// walkAll reads all that there is; it ends, or the test's own time does.
func walkAll(r *Reader, w *world) (text string) {
	for _, path := range []string{`\`, `\RPC Control\spool`, `\ObjectTypes\Port`} {
		o, err := r.Lookup(path)
		text += fmt.Sprintln(path, o.TypeName, err, r.Path(&o))
		for at, err := range r.Entries(o.Body) {
			o, err2 := r.At(at)
			text += fmt.Sprintln(o.Name, o.TypeName, err, err2)
		}
		for at, err := range r.List(o.Body) {
			text += fmt.Sprintln(at, err)
		}
	}
	for _, get := range []func() (*Table, error){func() (*Table, error) { return r.Table(w.process) }, r.CidTable} {
		table, err := get()
		if err != nil {
			continue
		}
		for h := range table.Handles() {
			if h.Body != 0 {
				o, err := r.At(h.Body)
				text += fmt.Sprintln(h.Value, o.TypeName, err)
			}
		}
	}
	return text
}
