package memimage

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"os"

	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/elffile"
	"github.com/seed-eedd8485/lpc/target/ntdump"
)

// ELF recognises an ELF image of a machine's memory. It stands before the format of
// processes' cores, which have the same magic.
var ELF = target.Format{
	Name:  "ELF image of a machine's memory",
	Match: matchELF,
	Open:  target.Opener(OpenELF),
}

// matchELF tells a machine's memory from a process's: by who wrote the notes, as far
// as the first bytes have them; else by physical addresses, which the kernel leaves 0
// in a process's core (fs/binfmt_elf.c, elf_core_dump).
func matchELF(head []byte) bool {
	// A core has its program headers directly behind its header; one that has not is
	// of nobody that is known here. Both the headers and the notes may go on behind the
	// first bytes.
	r := bytes.NewReader(head)
	f, _ := elffile.Read(r, int64(len(head)))
	if f == nil {
		return false
	}
	machine, process := false, false
	_ = f.EachNote(r, int64(len(head)), func(n elffile.Note) {
		switch writer(n) {
		case byHypervisor:
			machine = true
		case byKernel:
			process = true
		}
	})
	if machine || process {
		return machine
	}
	for _, s := range f.Loads {
		if s.Phys != 0 {
			return true
		}
	}
	return false
}

// Kinds of notes by who writes them.
const (
	byAnyone = iota
	byHypervisor
	byKernel
)

// Types of notes in a process's core that no hypervisor writes (linux/elf.h).
const (
	noteProcess = uint32(elf.NT_PRPSINFO)
	noteAux     = 6          // NT_AUXV
	noteFiles   = 0x46494c45 // NT_FILE
	noteSignal  = 0x53494749 // NT_SIGINFO
)

func writer(n elffile.Note) int {
	switch n.Name {
	case "QEMU", "VBCORE", "VBCPU", "Xen":
		return byHypervisor
	case "CORE":
		if n.Type == noteProcess || n.Type == noteAux || n.Type == noteFiles || n.Type == noteSignal {
			return byKernel
		}
	}
	return byAnyone
}

// OpenELF opens an ELF image of a machine's memory. The error is a sentence that names
// the file.
func OpenELF(path string) (*ntdump.Target, error) {
	im, err := readELF(path)
	if err != nil {
		return nil, fmt.Errorf("opening memory image %s: %w", path, err)
	}
	return open(path, im)
}

// readELF reads where the memory stands.
func readELF(path string) (nt.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nt.Image{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nt.Image{}, err
	}
	h, err := elffile.Read(f, st.Size())
	if err != nil {
		return nt.Image{}, err
	}
	return describe(h, f, st.Size())
}

// open finds the kernel in an image.
func open(path string, im nt.Image) (*ntdump.Target, error) {
	d, err := nt.OpenImage(context.Background(), path, im)
	if err != nil {
		return nil, err
	}
	return ntdump.Of(d, path), nil
}
