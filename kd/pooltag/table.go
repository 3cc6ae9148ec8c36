package pooltag

import (
	"bufio"
	_ "embed" // the table
	"fmt"
	"io"
	"strings"
	"sync"
)

// Entry is what a table says of a tag.
type Entry struct {
	Binary string // "nt!mm", "tcpip.sys"; "" where the table does not say
	Text   string
}

// Table maps tags to what they stand for. The zero Table is empty.
type Table struct {
	exact map[[4]byte]Entry
	loose []loose // patterns, as "Ntf?"
	over  *Table  // that is asked where this one has no answer
}

// loose is a tag with characters that stand for any.
type loose struct {
	pattern string
	Entry
}

//go:embed tags.txt
var builtinText string

// Builtin is the table of this package.
var Builtin = sync.OnceValue(func() *Table {
	t, err := Read(strings.NewReader(builtinText))
	if err != nil {
		panic("pooltag: tags.txt: " + err.Error()) // a test reads it
	}
	return t
})

// Bounds of a user's file.
const (
	maxLines = 1 << 17
	maxLine  = 4 << 10
)

// Read parses a table. The first line of a tag holds. Lines that are none of a table
// are left out, as the debuggers do, but a file with none at all is refused.
func Read(r io.Reader) (*Table, error) {
	t := &Table{exact: map[[4]byte]Entry{}}
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, maxLine), maxLine)
	n := 0
	for in.Scan() {
		if n++; n > maxLines {
			return nil, fmt.Errorf("more than %d lines", maxLines)
		}
		t.line(strings.TrimRight(in.Text(), "\r\n"))
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	if len(t.exact)+len(t.loose) == 0 {
		return nil, fmt.Errorf("none of its %d lines is one of a table of tags, expected: Tag - binary - description", n)
	}
	return t, nil
}

// line reads a line. A tag may be shorter than four characters: blanks follow it.
func (t *Table) line(line string) {
	if l := strings.ToLower(strings.TrimSpace(line)); l == "" || l == "rem" || strings.HasPrefix(l, "rem ") || strings.HasPrefix(l, "rem\t") || strings.HasPrefix(l, "//") {
		return
	}
	line = strings.TrimPrefix(line, "\ufeff")
	tag, rest, ok := strings.Cut(strings.TrimLeft(line, " \t"), " - ")
	if !ok {
		return
	}
	if tag = strings.TrimRight(tag, " \t"); len(tag) == 0 || len(tag) > 4 {
		return
	}
	binary, text, ok := strings.Cut(rest, "- ")
	if !ok { // "Tag - description"
		binary, text = "", rest
	}
	e := Entry{Binary: strings.Trim(binary, " \t<>"), Text: strings.TrimSpace(text)}
	if strings.EqualFold(e.Binary, "unknown") {
		e.Binary = ""
	}
	if strings.ContainsAny(tag, "*?") {
		t.loose = append(t.loose, loose{tag, e})
		return
	}
	key := Key(tag)
	if _, twice := t.exact[key]; !twice {
		t.exact[key] = e
	}
}

// Key is a tag of up to four characters with the blanks that the kernel has behind it.
func Key(tag string) [4]byte {
	k := [4]byte{' ', ' ', ' ', ' '}
	copy(k[:], tag)
	return k
}

// With is a table that asks t first, then another.
func (t *Table) With(under *Table) *Table {
	c := *t
	c.over = under
	return &c
}

// Len is how many tags the table itself knows.
func (t *Table) Len() int { return len(t.exact) + len(t.loose) }

// Find is what is known of a tag. A tag with zeros at its end counts as one with
// blanks.
func (t *Table) Find(tag [4]byte) (Entry, bool) {
	for i := 3; i > 0 && tag[i] == 0; i-- {
		tag[i] = ' '
	}
	for ; t != nil; t = t.over {
		if e, ok := t.exact[tag]; ok {
			return e, true
		}
		for _, l := range t.loose {
			if Match(l.pattern, tag) {
				return l.Entry, true
			}
		}
	}
	return Entry{}, false
}

// Match compares a tag with a pattern, in which * stands for any number of characters
// and ? for one. Case counts.
func Match(pattern string, tag [4]byte) bool { return match(pattern, string(tag[:])) }

func match(pattern, text string) bool {
	for pattern != "" {
		switch {
		case pattern[0] == '*':
			for i := 0; i <= len(text); i++ {
				if match(pattern[1:], text[i:]) {
					return true
				}
			}
			return false
		case text == "" || pattern[0] != '?' && pattern[0] != text[0]:
			return false
		}
		pattern, text = pattern[1:], text[1:]
	}
	return text == ""
}
