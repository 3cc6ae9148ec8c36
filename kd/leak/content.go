package leak

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/seed-eedd8485/lpc/target"
)

// Content is what stands in the sampled blocks.
type Content struct {
	Sampled  int // blocks
	Readable int // of them
	Pointers []Pointer
	Heads    []Head
	Texts    []Text
	First    []byte // of the first block that could be read
	FirstAt  uint64
}

// Pointer counts the sampled blocks with pointers into a module.
type Pointer struct {
	Module string
	Kernel bool
	Blocks int    // with at least one
	Offset int    // in the block's data where it stands most often
	At     int    // blocks that have it there
	Target uint64 // that it has most often there
	Same   int    // blocks that have that one there
}

// Head counts the sampled blocks that begin alike.
type Head struct {
	Bytes  [headBytes]byte
	Blocks int
}

// Text counts the sampled blocks that hold a text.
type Text struct {
	Text   string
	Blocks int
}

// Bounds of what is read of a block (reference 1.4) and shown of all.
const (
	contentBytes = 0x40
	headBytes    = 8
	minText      = 5
	maxKinds     = 1 << 12 // different heads, texts, targets that are counted
	maxShown     = 8
)

// content reads the start of each sampled block.
func content(in *Input, all modules, sample []target.Block) Content {
	c := Content{Sampled: len(sample)}
	p := pointers{all: all, size: in.Pointer, by: map[int]*pointed{}}
	heads, texts := map[[headBytes]byte]int{}, map[string]int{}
	buf := make([]byte, contentBytes)
	for _, b := range sample {
		n := min(contentBytes, b.Size-min(b.Size, b.Body-b.Addr))
		got, _ := in.Memory.ReadMemory(b.Body, buf[:n])
		data := buf[:got]
		if got < headBytes {
			continue
		}
		c.Readable++
		if c.First == nil {
			c.First, c.FirstAt = slices.Clone(data), b.Body
		}
		if h := [headBytes]byte(data); heads[h] > 0 || len(heads) < maxKinds {
			heads[h]++
		}
		p.block(data)
		for t := range textsOf(data) {
			if texts[t] > 0 || len(texts) < maxKinds {
				texts[t]++
			}
		}
	}
	c.Pointers = p.list()
	for h, n := range heads {
		c.Heads = append(c.Heads, Head{h, n})
	}
	slices.SortFunc(c.Heads, func(a, b Head) int {
		return cmp.Or(cmp.Compare(b.Blocks, a.Blocks), slices.Compare(a.Bytes[:], b.Bytes[:]))
	})
	for t, n := range texts {
		c.Texts = append(c.Texts, Text{t, n})
	}
	slices.SortFunc(c.Texts, func(a, b Text) int { return cmp.Or(cmp.Compare(b.Blocks, a.Blocks), cmp.Compare(a.Text, b.Text)) })
	c.Heads, c.Texts = c.Heads[:min(len(c.Heads), maxShown)], c.Texts[:min(len(c.Texts), maxShown)]
	return c
}

// pointers counts pointers into modules.
type pointers struct {
	all  modules
	size int
	by   map[int]*pointed // by index of the module
}

type pointed struct {
	blocks int
	at     map[int]int            // blocks by offset
	target map[int]map[uint64]int // blocks by offset and target
}

func (p *pointers) block(data []byte) {
	seen := map[int]bool{}
	for off := 0; off+p.size <= len(data); off += p.size {
		v := uint64(binary.LittleEndian.Uint32(data[off:]))
		if p.size == 8 {
			v = binary.LittleEndian.Uint64(data[off:])
		}
		i := p.all.at(v)
		if i < 0 {
			continue
		}
		x := p.by[i]
		if x == nil {
			x = &pointed{at: map[int]int{}, target: map[int]map[uint64]int{}}
			p.by[i] = x
		}
		if !seen[i] {
			seen[i] = true
			x.blocks++
		}
		x.at[off]++
		if x.target[off] == nil {
			x.target[off] = map[uint64]int{}
		}
		if len(x.target[off]) < maxKinds {
			x.target[off][v]++
		}
	}
}

// list is the modules that are pointed into by most blocks.
func (p *pointers) list() (out []Pointer) {
	for i, x := range p.by {
		r := Pointer{Module: p.all[i].Name, Kernel: p.all[i].Kernel, Blocks: x.blocks, Offset: -1}
		for off, n := range x.at {
			if n > r.At || n == r.At && off < r.Offset {
				r.Offset, r.At = off, n
			}
		}
		for v, n := range x.target[r.Offset] {
			if n > r.Same || n == r.Same && v < r.Target {
				r.Target, r.Same = v, n
			}
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Pointer) int {
		return cmp.Or(cmp.Compare(b.Blocks, a.Blocks), cmp.Compare(a.Module, b.Module))
	})
	return out
}

// textsOf are the printable texts in a block's start, of one byte or of two a
// character.
func textsOf(b []byte) map[string]bool {
	out := map[string]bool{}
	start := 0
	for i := 0; i <= len(b); i++ {
		if i < len(b) && b[i] >= ' ' && b[i] <= '~' {
			continue
		}
		if i-start >= minText {
			out[string(b[start:i])] = true
		}
		start = i + 1
	}
	for odd := range 2 {
		var text []byte
		for i := odd; i <= len(b); i += 2 {
			if i+1 < len(b) && b[i+1] == 0 && b[i] >= ' ' && b[i] <= '~' {
				text = append(text, b[i])
				continue
			}
			if len(text) >= minText {
				out[string(text)] = true
			}
			text = nil
		}
	}
	return out
}
