package elfcore

import (
	"bytes"
	"debug/elf"

	"github.com/seed-eedd8485/lpc/bin"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target/elffile"
)

// Types of notes (linux/elf.h), and limits on what a file may ask for.
const (
	noteStatus  = uint32(elf.NT_PRSTATUS)
	noteProcess = uint32(elf.NT_PRPSINFO)
	noteFiles   = 0x46494c45 // NT_FILE, "FILE"
	kernelNote  = "CORE"     // who defines them (core(5), linux fs/binfmt_elf.c)

	maxNote    = 64 << 20 // the kernel's own limit for all of them is 16 MiB (core_file_note_size_max)
	maxCommand = 16
)

// mapping is a line of NT_FILE.
type mapping struct {
	start, end uint64
	off        uint64 // in the file, bytes
}

// facts are what the notes say of the process.
type facts struct {
	pid     uint32
	command string
	signal  uint16 // that ended it, 0: none
	threads int
	files   bool      // there is an NT_FILE
	pools   []mapping // of the memfds of pools
	err     error     // the notes end early, or are no notes
}

// facts reads the notes. What can be read counts, whatever follows.
func (c *core) facts() *facts {
	f := &facts{}
	if err := c.file.EachNote(c.r, c.size, f.note); err != nil && f.err == nil {
		f.err = err
	}
	return f
}

// note reads one note, if it is of those that the kernel writes: the types of others
// have the same numbers.
func (f *facts) note(n elffile.Note) {
	if n.Name != kernelNote {
		return
	}
	r := n.Body
	switch n.Type {
	case noteStatus:
		f.threads++
		if f.threads == 1 && n.Size >= 16 {
			r.Skip("signal", 12)
			f.signal = r.U16("signal") // struct elf_prstatus, pr_cursig
		}
	case noteProcess:
		if n.Size >= 56 { // struct elf_prpsinfo
			r.Skip("state and ids", 24)
			f.pid = r.U32("pid")
			// The parent's number is not taken: the kernel writes that of the parent's
			// thread which made the process (fs/binfmt_elf.c, fill_psinfo).
			r.Skip("parent and groups", 12)
			b := r.Bytes("name of the program", maxCommand, maxCommand)
			if i := bytes.IndexByte(b, 0); i >= 0 {
				b = b[:i]
			}
			f.command = string(b)
		}
	case noteFiles:
		f.mappings(r.Bytes("names of mapped files", n.Size, maxNote))
	}
}

// mappings reads NT_FILE: a count, the unit of offsets, so many triples of start,
// end and offset, and as many names that end with a zero (linux fs/binfmt_elf.c
// describes it; core(5)).
func (f *facts) mappings(b []byte) {
	r := bin.FromBytes("list of mapped files", b)
	count, unit := r.U64("number of mappings"), r.U64("page size")
	n := r.Count("mappings", count, 24, maxNote/24)
	list := make([]mapping, 0, n)
	for range n {
		m := mapping{start: r.U64("start"), end: r.U64("end")}
		m.off = r.U64("offset") * unit
		list = append(list, m)
	}
	if err := r.Err(); err != nil {
		f.err = err
		return
	}
	f.files = true
	names := b[r.Offset():]
	for _, m := range list {
		i := bytes.IndexByte(names, 0)
		if i < 0 {
			return
		}
		if string(names[:i]) == pool.Link && m.end > m.start && m.off <= m.start {
			f.pools = append(f.pools, m)
		}
		names = names[i+1:]
	}
}
