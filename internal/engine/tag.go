package engine

import (
	"fmt"
	"strconv"

	"github.com/seed-eedd8485/lpc/internal/pool"
)

// ErrInvalidTag: the text is no pool tag that a program may choose.
var ErrInvalidTag = fmt.Errorf("invalid pool tag")

// ownTags are the library's: under them stand its own records alone.
var ownTags = map[pool.Tag]bool{
	pool.TagPool: true, pool.TagPort: true, pool.TagMessage: true, pool.TagThread: true, pool.TagToken: true,
	pool.TagHandle: true, pool.TagFailed: true, pool.TagStack: true, pool.TagOver: true,
}

// ParseTag is the tag of one to four printable ASCII characters, filled up with
// blanks as NT's are; "" is the library's own tag of section memory.
func ParseTag(text string) (pool.Tag, error) {
	if text == "" {
		return pool.TagSection, nil
	}
	t := pool.Tag{' ', ' ', ' ', ' '}
	for i := range len(text) {
		if len(text) > len(t) || text[i] < ' ' || text[i] > '~' {
			return pool.Tag{}, fmt.Errorf("%w: %s, expected one to four printable ASCII characters", ErrInvalidTag, strconv.QuoteToASCII(text[:min(len(text), 32)]))
		}
		t[i] = text[i]
	}
	if ownTags[t] {
		return pool.Tag{}, fmt.Errorf("%w: %s is one of the library's own", ErrInvalidTag, text)
	}
	return t, nil
}
