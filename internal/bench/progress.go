package bench

import (
	"fmt"
	"io"
	"os"
)

// progress is one line on a terminal that is written again and again; where
// stderr is none it is nothing.
type progress struct {
	out   io.Writer
	heard func(string) // is told too, for tests
}

func newProgress(w io.Writer, heard func(string)) *progress {
	p := &progress{heard: heard}
	if f, ok := w.(*os.File); ok && isTerminal(f.Fd()) {
		p.out = f
	}
	return p
}

// say replaces the line. It is called between measurements only.
func (p *progress) say(format string, args ...any) {
	if p.heard != nil {
		p.heard(fmt.Sprintf(format, args...))
	}
	if p.out != nil {
		_, _ = fmt.Fprintf(p.out, "\r\x1b[K"+format, args...)
	}
}

// clear removes the line.
func (p *progress) clear() { p.say("") }
