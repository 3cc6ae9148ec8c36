package ntdump

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
	"github.com/seed-eedd8485/lpc/target"
)

// objectWorld is a machine with a process that has a port and two ends of a connection.
func objectWorld(p dumptest.Profile, lists bool) (m *dumptest.Machine, o *dumptest.Objects, process uint64, ports []uint64) {
	m = dumptest.New(p)
	o = m.NewObjects(dumptest.ObjectOptions{Lists: lists})
	process = m.AddProcess(dumptest.Process{ID: 0x1dc, Image: "server.exe"})
	m.AddProcessor(m.AddThread(process, dumptest.Thread{ID: 0x1e0, State: 2}))
	port := o.AddPort(dumptest.Port{Flags: dumptest.ConnectionPort, Name: "spool", Process: process, Creator: [2]uint64{0x1dc, 0x1e0}, Handles: 1})
	to, from := o.Connect(port, dumptest.Port{Process: process, Creator: [2]uint64{0x1dc, 0}, Handles: 1}, dumptest.Port{Flags: dumptest.PortWaitable, Process: process, Handles: 1})
	nobody := o.AddPort(dumptest.Port{Flags: dumptest.UnconnectedPort})
	h := m.AddHandles(process, dumptest.HandleTable{Levels: 2})
	h.Set(4, port, 0x1f0001, dumptest.HandleInherit|dumptest.HandleProtected)
	h.Set(8, to, 1, dumptest.HandleAudit)
	return m, o, process, []uint64{port, to, from, nobody}
}

// The same ports are found by their types' lists and, without those, one by one in the
// directory, in a handle table, by a link, and by their pool tag.
func TestPorts(t *testing.T) {
	for _, p := range []dumptest.Profile{dumptest.XP, dumptest.XPPAE, dumptest.Server2003, dumptest.X64} {
		for _, lists := range []bool{true, false} {
			m, _, _, want := objectWorld(p, lists)
			tg := open(t, m.Dump(dumptest.Full))
			list, how := tg.Ports()
			var got []uint64
			for o := range list {
				if o.Err != nil {
					t.Errorf("%s: %v", p.Name, o.Err)
				}
				got = append(got, o.Addr)
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s, lists %v: %x, want %x", p.Name, lists, got, want)
			}
			ways := "no list of the objects of type Port, WaitablePort is kept (global flag +otl): found 1 by the object directory, 1 by handle tables, 1 by their links, 1 by pool tag Port, 0 by pool tag Wait"
			if lists {
				ways = ""
			}
			if how != ways {
				t.Errorf("%s, lists %v: %q, want %q", p.Name, lists, how, ways)
			}
		}
	}
}

func TestObjectsOfATarget(t *testing.T) {
	m, o, process, ports := objectWorld(dumptest.XP, false)
	ids := m.AddCidTable(1)
	ids.SetBody(0x1dc, process)
	tg := open(t, m.Dump(dumptest.Full))
	obj, err := tg.Object(ports[0])
	want := target.Object{Addr: ports[0], Type: "Port", TypeAddr: o.Type("Port"), Header: ports[0] - 0x18, Name: "spool", Path: `\RPC Control\spool`, Directory: o.RPC, Handles: 1, Pointers: 1}
	if err != nil || obj != want {
		t.Errorf("%+v, %v, want %+v", obj, err, want)
	}
	if _, err := tg.Object(process); err == nil {
		t.Error("a process without a header is an object")
	}
	var names []string
	for o := range tg.Names(`\`) {
		names = append(names, o.Type+" "+o.Path)
	}
	if got := strings.Join(names, ", "); got != `Directory \ObjectTypes, Directory \RPC Control` {
		t.Error(got)
	}
	for _, path := range []string{`\none`, `\RPC Control\spool`} {
		for o := range tg.Names(path) {
			t.Errorf("%s holds %+v", path, o)
		}
	}
	var handles []target.Handle
	for h := range tg.Handles(0x1dc) {
		if h.Object != 0 {
			handles = append(handles, h)
		}
	}
	if len(handles) != 2 || handles[0].Flags != "Inherit|Protected" || handles[0].Access != 0x1f0001 || handles[1].Flags != "Audit" || handles[1].Object != ports[1] || handles[1].Process != process {
		t.Errorf("%+v", handles)
	}
	for h := range tg.Handles(0x999) {
		if h.Err == nil {
			t.Errorf("%+v", h)
		}
	}
	for h := range tg.IDs() {
		if h.Err != nil || h.Object != 0 && (h.Object != process || h.Value != 0x1dc) {
			t.Errorf("%+v", h)
		}
	}
}

// Other types make what was read anew, and types without objects take them away.
func TestObjectsFollowTypes(t *testing.T) {
	m, _, _, ports := objectWorld(dumptest.XP, true)
	tg := open(t, m.Dump(dumptest.Full))
	count := func() (n int) {
		list, _ := tg.Ports()
		for o := range list {
			if o.Err == nil {
				n++
			}
		}
		return n
	}
	if n := count(); n != len(ports) {
		t.Fatalf("%d ports", n)
	}
	c := tg.d.Types().(isf.Described).Content()
	c.Layouts = slices.DeleteFunc(slices.Clone(c.Layouts), func(l isf.Layout) bool { return l.Name == "_OBJECT_HEADER" })
	types, err := isf.New(c)
	if err != nil {
		t.Fatal(err)
	}
	tg.d.SetTypes(types)
	if n := count(); n != 0 {
		t.Errorf("%d ports without a header's description", n)
	}
	if why := tg.Lacks(target.Objects); !strings.Contains(why, "does not describe _OBJECT_HEADER.Body; .isf FILE gives what is missing") {
		t.Error(why)
	}
	tg.d.SetTypes(nil)
	if n := count(); n != len(ports) || !tg.Has(target.Objects) {
		t.Errorf("%d ports", n)
	}
}
