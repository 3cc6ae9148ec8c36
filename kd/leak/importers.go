package leak

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/ntdump/pe"
)

// Importer is a module or file that imports an allocator.
type Importer struct {
	Module string
	File   string   // path; "": the module in memory
	Names  []string // of the allocators
	Loaded bool     // a module of its name is
	How    string   // "names" or "addresses" of its imports
}

// Ways to read what a module imports.
const (
	byNames     = "names"
	byAddresses = "addresses"
)

// importers looks at the imports of the modules in memory. A driver's import names are
// in its INIT section, which the kernel discards: then the addresses that the loader
// wrote are compared with those of the allocators.
func importers(ctx context.Context, in *Input, r *Result) error {
	at := allocators(in, r.Names)
	for _, m := range in.Modules {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if m.Kernel {
			continue
		}
		r.Drivers++
		i, err := importsOf(in, m, r.Names, at)
		switch {
		case errors.Is(err, pe.ErrNoImports):
			r.Looked++
		case err != nil:
			r.Unread = append(r.Unread, Unread{m.Name, err.Error()})
		default:
			r.Looked++
			if len(i.Names) > 0 {
				r.Import = append(r.Import, i)
			}
		}
	}
	return nil
}

// allocators are the addresses of the functions in the kernel that is loaded.
func allocators(in *Input, names []string) map[uint64]string {
	out := map[uint64]string{}
	for _, m := range in.Modules {
		if !m.Kernel {
			continue
		}
		img, err := pe.Loaded(in.Memory, m.Base)
		if err != nil {
			continue
		}
		found, _ := img.Exports(names...) // without them names alone tell
		for name, rva := range found {
			out[m.Base+uint64(rva)] = name
		}
	}
	return out
}

func importsOf(in *Input, m Module, names []string, at map[uint64]string) (Importer, error) {
	i := Importer{Module: m.Name, Loaded: true, How: byNames}
	img, err := pe.Loaded(in.Memory, m.Base)
	if err != nil {
		return i, err
	}
	list, err := img.Imports()
	if err == nil {
		i.Names = named(list, names)
		return i, nil
	}
	if errors.Is(err, pe.ErrNoImports) {
		return i, err
	}
	slots, err2 := img.Slots()
	switch {
	case err2 != nil:
		return i, errors.Join(err, err2)
	case len(at) == 0:
		return i, errors.New("its import names are gone, and where the kernel's functions stand cannot be read")
	}
	i.How = byAddresses
	for _, v := range slots {
		if n, ok := at[v]; ok && !slices.Contains(i.Names, n) {
			i.Names = append(i.Names, n)
		}
	}
	slices.Sort(i.Names)
	return i, nil
}

// named are the names among imports.
func named(list []pe.Import, names []string) (out []string) {
	for _, x := range list {
		if slices.Contains(names, x.Name) && !slices.Contains(out, x.Name) {
			out = append(out, x.Name)
		}
	}
	slices.Sort(out)
	return out
}

// sortImporters goes by name; what is in memory stands before files.
func sortImporters(list []Importer) {
	slices.SortFunc(list, func(a, b Importer) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Module), strings.ToLower(b.Module)), cmp.Compare(a.File, b.File))
	})
}
