package ntdump

import (
	"errors"
	"fmt"
	"slices"
)

// peb is where a process keeps the list of its modules.
type peb struct {
	ldr  int // _PEB.Ldr
	list int // _PEB_LDR_DATA.InLoadOrderModuleList
}

// The same on every Windows that has them (winternl.h, which learn.microsoft.com shows:
// PEB.Ldr; PEB_LDR_DATA, whose InMemoryOrderModuleList the list in load order precedes,
// as InLoadOrderLinks precedes InMemoryOrderLinks in LDR_DATA_TABLE_ENTRY).
var (
	peb32 = peb{0xc, 0xc}
	peb64 = peb{0x18, 0x10}
)

func pebOf(pointer int) *peb {
	if pointer == 4 {
		return &peb32
	}
	return &peb64
}

// ErrNoUserPart is wrapped where a process has no modules of its own to list: the
// System process and those like it, and one whose user part is gone.
var ErrNoUserPart = errors.New("it has no user part, its Peb is 0")

// userStart is the lowest address that a process can have anything at: Windows maps
// nothing in the first 64 KB.
const userStart = 0x10000

// userEnd is the first address behind those of processes: what MmHighestUserAddress
// says on x86, where it depends on how the machine was started (/3GB).
func (d *Dump) userEnd() uint64 {
	if d.header.Bits != 32 {
		return 1 << 47
	}
	if at, ok := d.Debugger().Address(MmHighestUserAddress); ok {
		if v, err := d.Number(Space{}, at, 4); err == nil && v >= 0x7fef0000 && v < 0xc0000000 {
			return v + 1
		}
	}
	return 0x80000000
}

// IsUser says whether an address belongs to processes. It says nothing of whether
// memory stands there.
func (d *Dump) IsUser(va uint64) bool { return va >= userStart && va < d.userEnd() }

// UserModules lists the images of the process whose _EPROCESS stands at an address, in
// the order in which its loader loaded them, as its own page tables have them; those of
// the 32-bit part of a process of a 64-bit machine (Wow64) come behind the others, but
// for images that both lists name. What was read comes also with an error, which says
// where and why the list is not whole: its memory is the process's own, which may have
// paged it out, or have written anything there. A module that would lie outside of the
// process is refused.
func (d *Dump) UserModules(process uint64) ([]Module, error) {
	list, err := d.userModules(process)
	if err != nil {
		err = fmt.Errorf("listing the modules of the process at %#x: %w", process, err)
	}
	return list, err
}

func (d *Dump) userModules(process uint64) ([]Module, error) {
	if d.small != nil {
		return nil, errors.New("a triage dump holds nothing of any process's own memory")
	}
	at, err := d.member(process, "_EPROCESS", "Peb")
	switch {
	case err != nil:
		return nil, err
	case at == 0:
		return nil, ErrNoUserPart
	}
	space, err := d.SpaceOf(process)
	if err != nil {
		return nil, err
	}
	u := userLists{d: d, space: space, end: d.userEnd(), bases: map[uint64]bool{}}
	err = u.read("PEB", at, d.PointerSize())
	if at, ok := d.wow64Peb(process); ok {
		if err2 := u.read("32-bit PEB", at, 4); err == nil {
			err = err2
		} else if err2 != nil {
			err = fmt.Errorf("%w; %w", err, err2)
		}
	}
	return u.list, err
}

// wow64Peb is the PEB of the 32-bit part of a process: the first member of what
// _EPROCESS.Wow64Process points to, on every build that has one.
func (d *Dump) wow64Peb(process uint64) (uint64, bool) {
	if d.header.Bits == 32 {
		return 0, false
	}
	for _, name := range []string{"Wow64Process", "WoW64Process"} { // from Windows 8 on in the other spelling
		part, err := d.member(process, "_EPROCESS", name)
		if err != nil || part == 0 || !d.kernel(part) {
			continue
		}
		at, err := d.Pointer(Space{}, part)
		return at, err == nil && at != 0
	}
	return 0, false
}

// userLists are the modules of a process as they are read.
type userLists struct {
	d     *Dump
	space Space
	end   uint64 // of user addresses
	bases map[uint64]bool
	list  []Module
}

// bad is why an address can be none of a structure of the process whose pointers have
// that many bytes; "" where it can.
func (u *userLists) bad(at uint64, pointer int) string {
	switch {
	case at < userStart || at >= u.end:
		return "is no address of a process"
	case at%uint64(pointer) != 0:
		return fmt.Sprintf("is not a multiple of %d, as the address of every such structure is", pointer)
	}
	return ""
}

// read adds the modules that a PEB leads to.
func (u *userLists) read(what string, at uint64, pointer int) error {
	o := pebOf(pointer)
	if why := u.bad(at, pointer); why != "" {
		return fmt.Errorf("its %s is said to be at %#x, which %s", what, at, why)
	}
	data, err := u.d.Number(u.space, at+uint64(o.ldr), pointer)
	switch {
	case err != nil:
		return fmt.Errorf("reading its %s: %w", what, err)
	case data == 0:
		return fmt.Errorf("its %s names no loader data: the loader had not begun", what)
	}
	if why := u.bad(data, pointer); why != "" {
		return fmt.Errorf("its %s says that the loader's data are at %#x, which %s", what, data, why)
	}
	entries, err := u.entries(data+uint64(o.list), pointer)
	refused, first := 0, ""
	for _, entry := range entries {
		if why := u.add(entry, pointer); why != "" {
			if refused++; refused == 1 {
				first = fmt.Sprintf("%#x, which %s", entry, why)
			}
		}
	}
	switch {
	case refused == 0:
		return err
	case err == nil:
		return fmt.Errorf("left out is the entry at %s%s", first, others(refused))
	}
	return fmt.Errorf("%w; left out is the entry at %s%s", err, first, others(refused))
}

// others says how many more entries are like the one that was named.
func others(n int) string {
	switch n {
	case 1:
		return ""
	case 2:
		return "; and one more"
	}
	return fmt.Sprintf("; and %d more", n-1)
}

// entries are those of the list with that head. One that breaks off, as where a page of it
// is paged out, is read from its end too, backward to the gap.
func (u *userLists) entries(head uint64, pointer int) ([]uint64, error) {
	l := links{space: u.space, pointer: pointer, limit: maxModules, bad: func(at uint64) string { return u.bad(at, pointer) }}
	var list, back []uint64
	seen := map[uint64]bool{}
	err := u.d.walkLinks(l, head, func(entry uint64) bool {
		list, seen[entry] = append(list, entry), true
		return true
	})
	if err == nil {
		return list, nil
	}
	list = u.there(list, l)
	l.offset, l.limit = pointer, maxModules-len(list)
	_ = u.d.walkLinks(l, head, func(entry uint64) bool { // err says already that the list is not whole
		if seen[entry] {
			return false
		}
		back = append(back, entry)
		return true
	})
	if back = u.there(back, l); len(back) == 0 {
		return list, err
	}
	slices.Reverse(back)
	return append(list, back...), fmt.Errorf("%w; %d were read from its end backward", err, len(back))
}

// there leaves the last entry out where its link is not there: that is what the list broke
// off for.
func (u *userLists) there(list []uint64, l links) []uint64 {
	if n := len(list); n > 0 {
		if _, err := u.d.Number(u.space, list[n-1]+uint64(l.offset), l.pointer); err != nil {
			return list[:n-1]
		}
	}
	return list
}

// add adds the module of a loader entry; why is the reason where it can be none.
func (u *userLists) add(entry uint64, pointer int) (why string) {
	m := u.d.module(u.space, pointer, entry)
	m.Wow64 = pointer < u.d.PointerSize()
	var absent *Absent
	switch {
	case m.Base == 0 && errors.As(m.Err, &absent): // not even the base was read
		return fmt.Sprintf("is not there as a whole: %v", m.Err)
	case m.Base < userStart || m.Base >= u.end || m.Size > u.end-m.Base || m.Wow64 && m.Base+m.Size > 1<<32:
		return fmt.Sprintf("says that its image is at %#x and has %#x bytes: not within the process", m.Base, m.Size)
	case m.Base%pageBytes != 0 || m.Size == 0:
		return fmt.Sprintf("says that its image is at %#x and has %#x bytes: expected whole pages", m.Base, m.Size)
	}
	if !u.bases[m.Base] {
		u.bases[m.Base] = true
		u.list = append(u.list, m)
	}
	return ""
}
