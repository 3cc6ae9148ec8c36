package steps

import (
	"fmt"
	"io"
	"os"

	"github.com/seed-eedd8485/lpc/nt"
)

// A Sequence is what an example shows: the calls of a server and of a client. It prints
// each with p.
type Sequence func(p *Printer, server, client *nt.Thread) error

// Main is the main of an example's program.
func Main(name string, show Sequence) {
	if err := Run(os.Stdout, show); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Run prints a sequence of two threads of this process.
func Run(w io.Writer, show Sequence) error {
	server, err := nt.NewThread()
	if err != nil {
		return err
	}
	defer server.Exit()
	client, err := nt.NewThread()
	if err != nil {
		return err
	}
	defer client.Exit()
	return show(&Printer{w}, server, client)
}
