package target

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// A Format is a kind of file that kd opens. Each package that reads one has a
// variable of this type; who opens files (cmd/lpc) puts them in a list, so that
// this package imports none of them.
type Format struct {
	Name string // for people: "snapshot", "ELF core"
	// Match tells a file of this kind by its first bytes, at most HeadSize; a
	// shorter file gives fewer.
	Match func(head []byte) bool
	// Open opens it. The error is a sentence that names the file.
	Open func(path string) (Target, error)
	// Guess: what Match takes need not be of this kind. When Open fails, the user is
	// told what the file begins with, and why it is not of this kind either.
	Guess bool
}

// Opener is a package's Open as a Format has it. A failed open gives no Target at
// all: a nil pointer in an interface would not be nil.
func Opener[T Target](open func(path string) (T, error)) func(path string) (Target, error) {
	return func(path string) (Target, error) {
		t, err := open(path)
		if err != nil {
			return nil, err
		}
		return t, nil
	}
}

// HeadSize is how many bytes a Format may look at: a boot sector, and the magic of
// everything else.
const HeadSize = 4096

// Formats are tried in order: those whose magic is weak stand last.
type Formats []Format

// Open opens a file as what its first bytes say.
func (l Formats) Open(path string) (Target, error) {
	head, err := readHead(path)
	if err != nil {
		return nil, err
	}
	var names []string
	var guess error
	for _, f := range l {
		if f.Match(head) {
			t, err := f.Open(path)
			if err == nil || !f.Guess {
				return t, err
			}
			guess = err
		}
		if !f.Guess {
			names = append(names, f.Name)
		}
	}
	err = fmt.Errorf("opening %s: it begins with %s, which is none of: %s", path, magic(head), strings.Join(names, ", "))
	if guess != nil {
		err = fmt.Errorf("%w; and %w", err, guess)
	}
	return nil, err
}

func readHead(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err == nil && st.Mode()&(os.ModeNamedPipe|os.ModeSocket|os.ModeCharDevice) != 0 {
		return nil, fmt.Errorf("opening %s: it is neither a file nor a block device", path) // a pipe would be waited for
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, bare(err))
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, HeadSize)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("reading %s: %w", path, bare(err))
	}
	return head[:n], nil
}

// bare is the error without the operation and path that os puts before it: the
// sentence has both.
func bare(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func magic(head []byte) string {
	if len(head) == 0 {
		return "nothing (it is empty)"
	}
	return fmt.Sprintf("% x", head[:min(len(head), 8)])
}
