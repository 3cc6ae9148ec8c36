// Package ntdump reads Windows kernel crash dumps: full, kernel and bitmap dumps
// of 32 and 64 bits with their physical memory and page tables, and small
// ("triage") dumps with the few pieces of memory that they hold.
//
// What lives here: the headers, the maps from physical pages to places in the
// file, translation of virtual addresses, the debugger data block (KDBG), the
// lists that stand in memory (modules of the kernel and of processes, processes,
// threads), saved registers, and the offsets of the structures that these need
// (types/*.json for XP and Server 2003, made from types/tables.txt; the dump itself
// tells on Windows 10 and later).
// Of Itanium only small dumps are read: its pages and page tables are of another kind.
// Parts have packages of their own: stack walks call stacks, stackcheck judges
// whether one overflowed, ntpool reads the pools, pe the headers of images, dumptest
// writes dumps for tests.
//
// What never lives here: commands and their text, symbols, and anything of LPC; that is
// read by kd through a target over this package.
//
// How a request passes through, one file after the other:
//
//	Open        dump.go: maps the file, reads header32/header64, makes the page map
//	ReadVirtual space.go: one page after the other
//	Translate   paging.go, entry.go: page tables -> physical address
//	ReadPhysical physical.go -> runs.go or bitmap.go: page number -> file offset
//	            triage.go instead of all these, where there are no page tables
//	Sweep       sweep.go: the same without a copy, for who searches much memory
//
// Rules. Absent memory is never zero: a read ends at the first byte that is not
// there, with an [*Absent] that says why. Every number of the file is checked
// before it is used, nothing is allocated by an unchecked one, and every list
// ends, at the latest at a limit. What the dump does not say is said to be
// unknown; the filler of unused header fields ("PAGE") counts as that.
//
// A Dump may be read by any number of goroutines; Close may be called when none
// reads. Formats follow the project's debugger reference, sections 3 to 5, to which
// comments refer as "reference 3.2".
package ntdump
