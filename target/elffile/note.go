package elffile

import (
	"bytes"
	"cmp"
	"fmt"
	"io"

	"github.com/seed-eedd8485/lpc/bin"
)

// Limits on notes.
const (
	maxNotes = 1 << 20
	maxName  = 64
)

// Note is one note of a core.
type Note struct {
	Name string // of who defines its type: "CORE", "LINUX", "QEMU"; up to a zero
	Type uint32
	Size int64       // bytes of its content
	Body *bin.Reader // over the content, as far as the file holds it; its failures are the visitor's
}

// EachNote calls visit for each note of the core in the first size bytes of src. What
// lies behind the file's end is passed over; an error says that the notes end early or
// are none. What could be read was visited: all in all no more bytes than the file has,
// however many headers name the same notes.
func (f *File) EachNote(src io.ReaderAt, size int64, visit func(Note)) (err error) {
	left, room := maxNotes, uint64(size)
	for i, n := range f.Notes {
		if n.Off > uint64(size) {
			continue // cut short
		}
		filed := min(n.Filed, uint64(size)-n.Off)
		if filed > room {
			return cmp.Or(err, fmt.Errorf("program header %d of its notes has %#x bytes, with which they have more than the file's %#x: the notes overlap", i, filed, size))
		}
		room -= filed
		r := bin.New("notes", src, size).Sub("notes", int64(n.Off), int64(filed))
		for ; r.Left() > 0 && left > 0; left-- {
			note(r, visit)
		}
		if why := r.Err(); why != nil && err == nil {
			err = why
		}
	}
	if left == 0 && err == nil {
		err = fmt.Errorf("it has more than %d notes", maxNotes)
	}
	return err
}

// note reads one note: sizes, type, name and content, each padded to 4 bytes.
func note(r *bin.Reader, visit func(Note)) {
	name, size := int64(r.U32("size of a note's name")), int64(r.U32("size of a note's content"))
	n := Note{Type: r.U32("type of a note"), Size: size}
	padded := (name + 3) &^ 3
	start := min(r.Offset()+padded, r.Size())
	text := r.Bytes("name of a note", min(name, start-r.Offset(), maxName), maxName)
	text, _, _ = bytes.Cut(text, []byte{0})
	n.Name = string(text)
	r.Seek("content of a note", start)
	if r.Err() != nil {
		return
	}
	n.Body = r.Sub("note", start, min(size, r.Left()))
	visit(n)
	end := start + (size+3)&^3
	if end > r.Size() {
		end = start + size // the last one need not be padded
	}
	r.Seek("next note", end)
}
