package ntdump

import "fmt"

// Reason says why a byte is not there.
type Reason uint8

// Reasons.
const (
	NotMapped    Reason = iota + 1 // no page table entry stands for it
	PagedOut                       // its page is in a page file
	DemandZero                     // its page was never touched: it has no content yet
	Prototype                      // its page belongs to a section and is not resident
	NotInDump                      // the machine had it in memory, the dump does not hold it
	CutShort                       // the dump should hold it, the file ends before
	NotCanonical                   // no address of this machine
	NoTables                       // the dump holds no page tables, or of a kind that is not read
)

var reasons = [...]string{
	NotMapped:    "not mapped",
	PagedOut:     "paged out",
	DemandZero:   "demand zero, it has no page",
	Prototype:    "page of a section, not resident",
	NotInDump:    "not in the dump",
	CutShort:     "the dump file is cut short",
	NotCanonical: "not an address of this machine",
	NoTables:     "no page tables to translate it",
}

// String is the reason as part of a sentence.
func (r Reason) String() string {
	if int(r) < len(reasons) && reasons[r] != "" {
		return reasons[r]
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// Absent says which byte a dump does not hold, and why. It is never zero: who
// reads stops there.
type Absent struct {
	Addr     uint64 // of the first byte that is not there
	Physical bool   // Addr is a physical address
	Reason   Reason
}

// Error implements error.
func (a *Absent) Error() string {
	kind := "memory"
	if a.Physical {
		kind = "physical memory"
	}
	return fmt.Sprintf("no %s at %#x: %s", kind, a.Addr, a.Reason)
}

var _ error = (*Absent)(nil)
