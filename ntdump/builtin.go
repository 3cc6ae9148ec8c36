package ntdump

import (
	"embed"
	"fmt"
	"sync"

	"github.com/seed-eedd8485/lpc/isf"
)

// builtinFiles are descriptions of builds for which no debugger block says where
// members are. They are made from types/tables.txt.
//
//go:embed types/*.json
var builtinFiles embed.FS

// builtin is one shipped description.
type builtin struct {
	file     string // in types
	name     string // for people
	machine  Machine
	build    uint32
	packs    []uint64 // service packs that it holds for
	eprocess int      // sizes by which a debugger block can tell builds apart
	ethread  int
	parsed   func() (isf.Types, error) // reads file once; immutable, for any goroutine
}

// builtins are the shipped descriptions, in the order of the columns of
// types/tables.txt.
var builtins = []builtin{
	{file: "xp-x86.json", name: "XP SP2/SP3 x86", machine: X86, build: 2600, packs: []uint64{2, 3}, eprocess: 0x260, ethread: 0x258},
	{file: "2003-x86.json", name: "Server 2003 x86", machine: X86, build: 3790, packs: []uint64{0}, eprocess: 0x278, ethread: 0x260},
	{file: "2003sp1-x86.json", name: "Server 2003 SP1/SP2 x86", machine: X86, build: 3790, packs: []uint64{1, 2}, eprocess: 0x278, ethread: 0x250},
	{file: "2003sp1-x64.json", name: "Server 2003/XP SP1 x64", machine: X64, build: 3790, packs: []uint64{1}, eprocess: 0x3e0, ethread: 0x428},
	{file: "2003sp2-x64.json", name: "Server 2003/XP SP2 x64", machine: X64, build: 3790, packs: []uint64{2}, eprocess: 0x3e0, ethread: 0x410},
}

func init() {
	for i := range builtins {
		builtins[i].parsed = sync.OnceValues(builtins[i].load)
	}
}

// load reads a shipped description.
func (b *builtin) load() (isf.Types, error) {
	data, err := builtinFiles.ReadFile("types/" + b.file)
	if err != nil {
		return nil, fmt.Errorf("reading the built-in types of %s: %w", b.name, err)
	}
	return isf.Parse("built in: "+b.name, data)
}

// fits says whether a description can be that of a dump, by everything that the
// dump tells: build, machine, service pack, and the sizes in the debugger block.
func (b *builtin) fits(h *Header, pack Known, k *Debugger) bool {
	if b.machine != h.Machine || b.build != h.Build {
		return false
	}
	if pack.OK {
		found := false
		for _, p := range b.packs {
			found = found || p == pack.Value
		}
		if !found {
			return false
		}
	}
	if n, ok := k.Offset(SizeEProcess); ok && n != b.eprocess {
		return false
	}
	n, ok := k.Offset(SizeEThread)
	return !ok || n == b.ethread
}

// ServicePackNumber is the number of the installed service pack, from the kernel's
// CmNtCSDVersion; not known where the debugger block or its memory is missing.
func (d *Dump) ServicePackNumber() Known {
	at, ok := d.Debugger().Address(CmNtCSDVersion)
	if !ok {
		return Known{}
	}
	v, err := d.Number(Space{}, at, 4)
	if err != nil || v>>16 != 0 {
		return Known{}
	}
	return Known{v >> 8, true}
}

// ownTypes is the built-in description of the dump's build when exactly one fits,
// else what the debugger block says (Windows 10 and later), else nil; note is what
// there is to say about the choice.
func (d *Dump) ownTypes() (t isf.Types, note string) {
	pack := d.ServicePackNumber()
	var fit []*builtin
	for i := range builtins {
		if builtins[i].fits(d.header, pack, d.Debugger()) {
			fit = append(fit, &builtins[i])
		}
	}
	if len(fit) == 1 {
		t, err := fit[0].parsed()
		switch {
		case err != nil:
			return nil, err.Error()
		case !pack.OK:
			return t, "the dump does not tell its service pack: the types of " + fit[0].name + " are taken"
		}
		return t, ""
	}
	if len(fit) > 1 {
		note = fmt.Sprintf("the dump does not tell its service pack: types of build %d are not chosen", d.header.Build)
	}
	t, err := d.debuggerTypes()
	if err != nil {
		note = fmt.Sprintf("the offsets in the debugger data block are not usable: %v", err)
	}
	return t, note
}

// setOwnTypes makes the dump's own description the one in use.
func (d *Dump) setOwnTypes() (note string) {
	t, note := d.ownTypes()
	if t == nil {
		d.types.Store(nil)
		return note
	}
	d.types.Store(&t)
	return note
}

// Types is the description of the kernel's structures: the one that was set, a
// built-in one, or what the debugger data block says. nil when there is none.
func (d *Dump) Types() isf.Types {
	if t := d.types.Load(); t != nil {
		return *t
	}
	return nil
}

// SetTypes makes a description that the user has the one of the dump. nil goes
// back to what the dump itself tells.
func (d *Dump) SetTypes(t isf.Types) {
	if t == nil {
		d.setOwnTypes()
		return
	}
	d.types.Store(&t)
}
