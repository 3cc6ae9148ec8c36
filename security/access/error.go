package access

import "fmt"

// Error is why bytes or text are not what they should be. NT's callers answer
// it with STATUS_INVALID_SECURITY_DESCR, STATUS_INVALID_ACL or
// STATUS_INVALID_SID, by Part.
type Error struct {
	Part    Part   // what was being read
	Offset  int    // where, in bytes from the start of what Decode was given
	Problem string // what was found and what was expected
}

// Part names what an [Error] is about.
type Part string

// The parts of a descriptor.
const (
	PartDescriptor Part = "security descriptor"
	PartACL        Part = "ACL"
	PartACE        Part = "ACE"
	PartSID        Part = "SID"
)

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("reading %s at offset %#x: %s", e.Part, e.Offset, e.Problem)
}

var _ error = (*Error)(nil)

func malformed(p Part, at int, format string, args ...any) *Error {
	return &Error{Part: p, Offset: at, Problem: fmt.Sprintf(format, args...)}
}
