package top

import (
	"bytes"
	"unicode/utf8"
)

// A Key is a letter, or one of the keys below.
type Key rune

// The keys that are no letters.
const (
	Up Key = -1 - iota
	Down
	Left
	Right
	PageUp
	PageDown
	Home
	End
	Enter
	Escape
	Backspace
	Interrupt // ^C
	Suspend   // ^Z
	Redraw    // ^L
)

// A Parser makes keys of the bytes that a terminal sends.
type Parser struct{ held []byte }

// sequences are those of xterm and what follows it, behind the escape character
// (terminfo(5), xterm's ctlseqs).
var sequences = map[string]Key{
	"[A": Up, "[B": Down, "[C": Right, "[D": Left, "OA": Up, "OB": Down, "OC": Right, "OD": Left,
	"[H": Home, "[F": End, "OH": Home, "OF": End, "[1~": Home, "[4~": End, "[7~": Home, "[8~": End, "[5~": PageUp, "[6~": PageDown,
}

const esc = 0x1b

// maxSequence bounds what is held back: no sequence of a key is longer.
const maxSequence = 32

// Feed takes bytes and returns the keys that are whole.
func (p *Parser) Feed(b []byte) (keys []Key) {
	p.held = append(p.held, b...)
	for len(p.held) > 0 {
		k, n := p.next()
		if n == 0 {
			break
		}
		p.held = p.held[n:]
		if k != 0 {
			keys = append(keys, k)
		}
	}
	return keys
}

// Pending tells whether bytes are held back that may be the beginning of a sequence.
func (p *Parser) Pending() bool { return len(p.held) > 0 }

// Flush takes what is held back for what it is by itself: the key Escape.
func (p *Parser) Flush() (keys []Key) {
	if len(p.held) > 0 && p.held[0] == esc {
		keys = append(keys, Escape)
	}
	p.held = nil
	return keys
}

// next is the first key and its bytes: 0 bytes where more must come, no key where the
// bytes are none.
func (p *Parser) next() (Key, int) {
	b := p.held
	switch c := b[0]; {
	case c == esc:
		return p.sequence()
	case c == '\r' || c == '\n':
		return Enter, 1
	case c == 0x7f || c == 8:
		return Backspace, 1
	case c == 3:
		return Interrupt, 1
	case c == 0x1a:
		return Suspend, 1
	case c == 0x0c:
		return Redraw, 1
	case c < ' ':
		return 0, 1
	case !utf8.FullRune(b):
		return 0, 0
	}
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError {
		return 0, n
	}
	return Key(r), n
}

// sequence reads what begins with the escape character.
func (p *Parser) sequence() (Key, int) {
	b := p.held
	if len(b) == 1 {
		return 0, 0
	}
	if b[1] != '[' && b[1] != 'O' {
		return Escape, 1
	}
	for i := 2; i < len(b) && i < maxSequence; i++ {
		if b[i] == esc {
			return 0, i // broken off
		}
		if b[i] < 0x40 || b[i] > 0x7e {
			continue // parameters
		}
		if k, ok := sequences[string(b[1:i+1])]; ok {
			return k, i + 1
		}
		if at := bytes.IndexByte(b[:i], ';'); at > 0 { // with modifiers: as without
			if k, ok := sequences["["+string(b[i])]; ok {
				return k, i + 1
			}
		}
		return 0, i + 1
	}
	if len(b) >= maxSequence {
		return 0, len(b)
	}
	return 0, 0
}
