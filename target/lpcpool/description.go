package lpcpool

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/isf"
)

// Types is target.Target's: the description that the address's own pool carries,
// nil where there is no such pool.
func (v *View) Types(addr uint64) isf.Types {
	if p := v.pools[uint32(addr>>poolShift)]; p != nil {
		return p.description()
	}
	return nil
}

// description is the pool's type description. Where the pool has lost its own,
// this program's stands in, and its Source says so.
func (p *poolState) description() isf.Types {
	if p.types != nil {
		return p.types
	}
	who := fmt.Sprintf("pool of %d", p.src.Process.ID)
	if t, err := parseTypes(who, p.typesText()); err == nil {
		p.types = t
		return t
	}
	if t := p.typesByTag(who + " (found by its tag: the pool's header is damaged)"); t != nil {
		p.types = t
		return t
	}
	t, err := builtIn()
	if err != nil {
		return nothing{}
	}
	// Not kept for a process that runs: the next read may find its own.
	if p.src.Grow == nil {
		p.types = renamed{t, fmt.Sprintf("built into this program: the description in the %s is not readable", who)}
		return p.types
	}
	return renamed{t, fmt.Sprintf("built into this program: the description in the %s is not readable", who)}
}

// typesText is the text that the pool's header points to.
func (p *poolState) typesText() []byte {
	var b [16]byte
	if n, _ := p.read(b[:], headerBody+headerTypes); n < len(b) {
		return nil
	}
	at, length := le.Uint64(b[:])&offsetMask, le.Uint64(b[8:])
	if at < headerBody || length == 0 || length > maxTypes {
		return nil
	}
	h, ok := p.blockAt(at - blockHeader)
	if !ok || h.tag != pool.TagPool || length > uint64(h.size)-blockHeader {
		return nil
	}
	text := make([]byte, length)
	if n, _ := p.read(text, at); n < len(text) {
		return nil
	}
	return text
}

// typesByTag looks for the description among the blocks with its tag.
func (p *poolState) typesByTag(source string) isf.Types {
	for _, e := range p.ordered() {
		im := e.image()
		for _, off := range im.blocks {
			h := im.block(off)
			body := im.b[off+blockHeader : off+h.size]
			if h.tag != pool.TagPool || len(body) == 0 || body[0] != '{' {
				continue
			}
			if t, err := parseTypes(source, bytes.TrimRight(body, "\x00")); err == nil {
				return t
			}
		}
	}
	return nil
}

// parseTypes reads a description that says at least what a port is.
func parseTypes(source string, text []byte) (isf.Types, error) {
	t, err := isf.Parse(source, text)
	if err == nil && t.Layout("_LPCP_PORT_OBJECT") == nil {
		err = errors.New("the description has no _LPCP_PORT_OBJECT")
	}
	return t, err
}

var builtIn = sync.OnceValues(func() (isf.Types, error) {
	return parseTypes("built into this program", pool.TypeDescription())
})

// renamed is a description under another source.
type renamed struct {
	isf.Types
	source string
}

func (r renamed) Source() string { return r.source }

// nothing describes nothing.
type nothing struct{}

func (nothing) Source() string                                  { return "none" }
func (nothing) PointerSize() int                                { return 8 }
func (nothing) Layout(string) *isf.Layout                       { return nil }
func (nothing) Names() []string                                 { return nil }
func (nothing) Enum(string, int64) string                       { return "" }
func (nothing) Symbol(string) (uint64, bool)                    { return 0, false }
func (nothing) Nearest(uint64) (n string, d uint64, r, ok bool) { return "", 0, false, false }
