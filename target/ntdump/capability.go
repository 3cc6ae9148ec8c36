package ntdump

import (
	"fmt"

	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
)

// Has is target.Target's.
func (t *Target) Has(c target.Capability) bool { return t.Lacks(c) == "" }

// Lacks is target.Target's.
func (t *Target) Lacks(c target.Capability) string {
	for _, l := range lacks {
		if c&l.c == 0 {
			continue
		}
		if why := l.why(t); why != "" {
			return why
		}
	}
	return ""
}

// lacks are the capabilities, each with what says why it is missing.
var lacks = []struct {
	c   target.Capability
	why func(*Target) string
}{
	{target.Objects, (*Target).noObjects},
	{target.Threads, (*Target).noThreads},
	{target.Pools, (*Target).noPools},
	{target.Stacks, (*Target).noMemory},
	{target.Registers, (*Target).noRegisters},
	{target.Modules, (*Target).noModules},
	{target.PageTables, (*Target).noPageTables},
	{target.Physical, (*Target).noPhysical},
	{target.Symbols, (*Target).noSymbols},
	{target.Disk, func(*Target) string { return "a Windows dump is no disk" }},
}

func (t *Target) small() bool { return t.d.Header().Type == nt.Triage }

// noMemory says why there is no memory by virtual address.
func (t *Target) noMemory() string {
	if t.small() {
		return ""
	}
	_, why := t.d.HasPageTables()
	return why
}

// noThreads says why not even the thread that ran is known.
func (t *Target) noThreads() string {
	if why := t.noMemory(); why != "" {
		return "no threads can be read: " + why
	}
	if t.d.Types() == nil {
		return "no threads can be read: " + t.noTypes()
	}
	return ""
}

// noTypes says that nothing tells where members stand.
func (t *Target) noTypes() string {
	h := t.d.Header()
	return fmt.Sprintf("the structures of build %d of %s are not known; .isf FILE gives them", h.Build, h.Machine)
}

func (t *Target) noRegisters() string {
	if _, err := t.d.Context(t.d.Header().Context); err == nil {
		return ""
	}
	if _, err := t.d.ProcessorContext(0); err != nil {
		return "the dump holds no registers: " + err.Error()
	}
	return ""
}

func (t *Target) noModules() string {
	list, err := t.d.Modules()
	switch {
	case len(list) > 0:
		return ""
	case err != nil:
		return err.Error()
	}
	return "the dump holds no list of modules"
}

func (t *Target) noPageTables() string {
	_, why := t.d.HasPageTables()
	return why
}

func (t *Target) noPhysical() string {
	switch {
	case t.d.HasPhysical():
		return ""
	case t.small():
		return "a triage dump holds no physical memory"
	}
	return "the dump holds no memory"
}

func (t *Target) noSymbols() string {
	if types := t.d.Types(); types != nil {
		if _, _, _, ok := types.Nearest(^uint64(0)); ok {
			return ""
		}
	}
	return "there are no symbols for this dump; .sympath DIR or .isf FILE gives them"
}
