package kd

import (
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/holdings"
	"github.com/seed-eedd8485/lpc/kd/pooltag"
)

// A tagPattern is what a user says of a tag: four characters, or a pattern. Bit 7 of a
// tag's last byte (a protected tag) does not count.
type tagPattern struct {
	text string
	tag  [4]byte // with that bit clear
	any  bool    // text is a pattern
}

// tagOf reads a tag: * and ? stand for any characters; 0x and a number is the tag as
// it stands in memory; else it is exactly four characters, of which blanks at the end
// may be left out.
func tagOf(word string) (p tagPattern, err error) {
	bad := func() (tagPattern, error) {
		return p, fmt.Errorf("%s is no tag: four characters, or a pattern with * and ?", escape.Text(word))
	}
	switch {
	case word == "" || len(word) > 32:
		return bad()
	case strings.HasPrefix(word, "0x"):
		v, err := number(word)
		if err != nil || v > 0xffffffff {
			return bad()
		}
		p.tag = [4]byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v>>24) &^ 0x80}
		p.text = tagText(p.tag)
		return p, nil
	case strings.ContainsAny(word, "*?"):
		return tagPattern{text: word, any: true}, nil
	case len(word) > len(p.tag):
		return bad()
	}
	p.text = word
	copy(p.tag[:], word+"   ")
	p.tag[3] &^= 0x80
	return p, nil
}

// matches tells whether a tag is meant.
func (p tagPattern) matches(tag [4]byte) bool {
	tag[3] &^= 0x80
	if p.any {
		return pooltag.Match(p.text, tag)
	}
	return tag == p.tag
}

// tagText is a tag's characters: who prints them escapes them. A tag of fewer than four
// has zeros behind them in some systems, which count as blanks.
func tagText(tag [4]byte) string {
	for i := 3; i >= 0 && tag[i]&0x7f == 0; i-- {
		tag[i] = ' '
	}
	return holdings.TagText(tag)
}

// ownTags say what stands under the tags of lpc's own processes.
var ownTags = map[string]string{
	"Pool": "the pool's own header, type description and trackers", "Port": "port objects and their names", "LpcM": "messages",
	"Thre": "threads that call or serve", "Sect": "records of sections; section memory that has no tag of its own", "Toke": "identities of peers",
	"Hndl": "handle tables", "Fail": "the ring of failed messages", "Stak": "recorded Go stacks", "Ovfl": "tags beyond those that are counted apart",
}
