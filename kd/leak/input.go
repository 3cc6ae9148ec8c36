package leak

import (
	"cmp"
	"iter"
	"slices"
	"sort"
	"strings"

	"github.com/seed-eedd8485/lpc/target"
)

// Module is an image that the kernel has loaded.
type Module struct {
	Name       string // "greedy.sys"
	Base, Size uint64
	Kernel     bool // the kernel or the HAL: they offer what drivers import
}

// Input is what there is to look at.
type Input struct {
	Tag     [4]byte // bit 7 of its last byte is clear: a protected tag is searched for too
	Memory  target.Memory
	Pointer int // bytes of one
	Modules []Module
	Blocks  iter.Seq[target.Block] // those with the tag, and what could not be read
	Images  string                 // directory with files of images; "": none
}

// Result is what was found.
type Result struct {
	Nameless bool // drivers that name no tag of their own get this one
	Blocks   Blocks
	Content  Content
	Places   []Place    // where modules and files hold the tag, the most telling first
	Import   []Importer // of the allocators that give the tag
	Names    []string   // those allocators
	Looked   int        // modules in memory whose imports could be read
	Drivers  int        // modules beside the kernel
	Unread   []Unread   // what could not be looked at
	Verdict  Verdict
}

// Unread is a module or file that could not be looked at.
type Unread struct{ Name, Why string }

// nameless are tags that say nothing of who allocated, with the functions of the kernel
// that give them (Microsoft's documentation of each function; reference 1.4).
var nameless = map[string][]string{
	"None": {"ExAllocatePool", "ExAllocatePoolWithQuota"},
	"Ddk ": {"ExAllocatePoolWithTag", "ExAllocatePoolWithQuotaTag"}, // what the driver kit's headers make of the two above
	"MmCm": {"MmAllocateContiguousMemory", "MmAllocateContiguousMemorySpecifyCache", "MmAllocateContiguousMemorySpecifyCacheNode"},
}

// Nameless says whether a tag is one that drivers share, and which functions give it.
func Nameless(tag [4]byte) (allocators []string, ok bool) {
	allocators, ok = nameless[string(tag[:])]
	return allocators, ok
}

// modules are the modules by address.
type modules []Module

func byAddress(list []Module) modules {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Module) int { return cmp.Compare(a.Base, b.Base) })
	return list
}

// loaded says whether a module of that name is loaded.
func (in *Input) loaded(name string) bool {
	return slices.ContainsFunc(in.Modules, func(m Module) bool { return strings.EqualFold(m.Name, name) })
}

// at is the index of the module that holds an address, -1 for none.
func (m modules) at(va uint64) int {
	i := sort.Search(len(m), func(i int) bool { return m[i].Base > va }) - 1
	if i < 0 || va-m[i].Base >= m[i].Size {
		return -1
	}
	return i
}
