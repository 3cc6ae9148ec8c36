package bin

import (
	"errors"
	"fmt"
	"io"
)

// ErrTooLarge is wrapped by an Error when a length or count in the file exceeds
// the limit that the caller set. The file is damaged or hostile: nothing was
// read or allocated.
var ErrTooLarge = errors.New("larger than the limit")

// ErrRange is wrapped by an Error when a position lies outside the file.
var ErrRange = errors.New("outside the file")

// Error is the first failure of a Reader.
type Error struct {
	Kind   string // kind of file or structure, as given to New
	Field  string // what was being read
	Offset int64  // where, in bytes from the start of the file
	Want   int64  // bytes wanted there; for ErrTooLarge the length that the file asks for
	Have   int64  // bytes left there; for ErrTooLarge the limit
	Err    error  // io.ErrUnexpectedEOF, ErrTooLarge, ErrRange, or what the source said
}

// Error implements error: one sentence with what, where and what was expected.
func (e *Error) Error() string {
	where := fmt.Sprintf("reading %s of %s at offset %#x", e.Field, e.Kind, e.Offset)
	switch {
	case errors.Is(e.Err, ErrTooLarge):
		return fmt.Sprintf("%s: %d asked for, expected at most %d", where, e.Want, e.Have)
	case errors.Is(e.Err, ErrRange):
		return fmt.Sprintf("%s: expected an offset from 0 to %#x", where, e.Have)
	case errors.Is(e.Err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("%s: %d bytes expected, %d left", where, e.Want, e.Have)
	}
	return fmt.Sprintf("%s: %v", where, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

var _ error = (*Error)(nil)
