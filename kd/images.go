package kd

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/stack"
	"github.com/seed-eedd8485/lpc/target/symbols"
)

// images are the loaded modules of a Windows dump, by address, for one command: the
// kernel's, and those of one process.
type images struct {
	loaded   []ntdump.Module // the kernel's, by base
	unloaded []ntdump.Unloaded
	types    isf.Types // of the kernel, with its symbols; nil for none
	err      error     // why the list is not whole

	dump  *ntdump.Dump
	store *symbols.Store // of the other modules' symbols

	process uint64      // that user addresses belong to, 0 for none
	users   *userImages // its modules; nil: not read yet
}

// images are those of a dump, read once for each command: a dump does not change, but
// .isf changes the symbols. User addresses are those that the target reads (.process).
func (s *Session) images(d *ntdump.Dump) *images { return s.imagesOf(d, s.contextProcess(d)) }

// readImages reads the kernel's modules.
func readImages(d *ntdump.Dump) *images {
	im := &images{types: d.Types(), dump: d}
	im.loaded, im.err = d.Modules()
	im.loaded = slices.Clone(im.loaded)
	slices.SortStableFunc(im.loaded, func(a, b ntdump.Module) int { return cmp.Compare(a.Base, b.Base) })
	im.unloaded, _ = d.UnloadedModules() // a name at best: lm says why there are none
	return im
}

// at is the loaded module that holds an address, nil for none.
func (im *images) at(va uint64) *ntdump.Module {
	if m := holding(im.loaded, va); m != nil || im.process == 0 || !im.dump.IsUser(va) {
		return m
	}
	return holding(im.user().loaded, va)
}

// holding is the module of a list, by base, that holds an address; nil for none.
func holding(list []ntdump.Module, va uint64) *ntdump.Module {
	i := sort.Search(len(list), func(i int) bool { return list[i].Base > va }) - 1
	if i >= 0 && list[i].Contains(va) {
		return &list[i]
	}
	return nil
}

// symbols is the description of a module, nil with a reason when there is none.
func (im *images) symbols(m *ntdump.Module) (t isf.Types, why string) {
	if isKernel(m) {
		if im.types != nil {
			if _, _, _, named := im.types.Nearest(^uint64(0)); named {
				return im.types, ""
			}
		}
	}
	if im.store == nil {
		return nil, "this list of modules was read without symbols"
	}
	f := im.store.Module(im.dump, m)
	if f.Err != nil {
		return nil, f.Err.Error()
	}
	return f.Types, ""
}

// frame is what a module's symbols say of the stack frame of the code at an address:
// for remarks of a stack, and for walks without frame pointers.
func (im *images) frame(va uint64) (isf.Frame, bool) {
	m := im.at(va)
	if m == nil {
		return isf.Frame{}, false
	}
	if f, ok := isf.FrameAt(im.types, va-m.Base); ok && isKernel(m) {
		return f, true // frames without names
	}
	t, _ := im.symbols(m)
	return isf.FrameAt(t, va-m.Base)
}

// place names an address: module+offset, and symbol+offset where there are symbols. A name that is merely the nearest one below is marked.
func (im *images) place(va uint64) string {
	if name, ok := im.known(va); ok {
		return name
	}
	return fmt.Sprintf("0x%x", va)
}

// known is place for an address in a module; ok is false for any other.
func (im *images) known(va uint64) (name string, ok bool) {
	m := im.at(va)
	if m == nil {
		for _, u := range im.unloaded {
			if va >= u.Start && va < u.End {
				return fmt.Sprintf("<Unloaded_%s>+0x%x", escape.Text(u.Name), va-u.Start), true
			}
		}
		return "", false
	}
	short := im.name(m)
	if t, _ := im.symbols(m); t != nil {
		if sym, off, ranges, found := t.Nearest(va - m.Base); found && off < maxSymbolBytes {
			name = short + "!" + escape.Text(sym)
			if off > 0 {
				name += fmt.Sprintf("+0x%x", off)
			}
			if off > 0 && !ranges {
				name += " (nearest)"
			}
			return name, true
		}
	}
	if va == m.Base {
		return short, true
	}
	return fmt.Sprintf("%s+0x%x", short, va-m.Base), true
}

// maxSymbolBytes is farther than any function reaches: a name that far below says
// nothing.
const maxSymbolBytes = 1 << 20

// isKernel says whether a module is the kernel itself: no module of a process is, however
// it is named.
func isKernel(m *ntdump.Module) bool { return !m.User() && m.Short() == "nt" }

// name is a module's name as it stands before an exclamation mark. Of two modules of a
// process with one name, the one that was loaded later bears its base behind it.
func (im *images) name(m *ntdump.Module) string {
	if m.User() {
		return im.user().names[m.Base]
	}
	if n := m.Short(); n != "" {
		return escape.Text(n)
	}
	return fmt.Sprintf("module_%x", m.Base)
}

// stack is the kernel's list as stack walks take it.
func (im *images) stack() []stack.Image { return stackImages(im.loaded) }

func stackImages(modules []ntdump.Module) []stack.Image {
	list := make([]stack.Image, len(modules))
	for i, m := range modules {
		list[i] = stack.Image{Base: m.Base, Size: m.Size}
	}
	return list
}

// find is the module of that name, with or without its extension, nil for none: one of
// the kernel before one of the process.
func (im *images) find(name string) *ntdump.Module {
	lists := [][]ntdump.Module{im.loaded}
	if im.process != 0 {
		lists = append(lists, im.user().loaded)
	}
	for _, list := range lists {
		for i := range list {
			if strings.EqualFold(im.name(&list[i]), name) {
				return &list[i]
			}
		}
		for i := range list {
			if strings.EqualFold(list[i].Name, name) {
				return &list[i]
			}
		}
	}
	return nil
}
