package bootcode

import "strings"

// Text is a printable string among the data.
type Text struct {
	Linear uint32 `json:"address"` // where it stands when the code runs
	Offset int    `json:"offset"`  // within the sector
	Text   string `json:"text"`
	At     int    `json:"at,omitempty"` // for a message: where the byte stands that names it
}

// minString is the shortest run of printable bytes that counts as a string.
const minString = 4

// printable reports bytes that a message may hold.
func printable(b byte) bool { return b >= ' ' && b <= '~' || b == '\r' || b == '\n' }

// stringAt returns the string that starts at an offset.
func stringAt(data []byte, off int) (string, bool) {
	end := off
	for end < len(data) && printable(data[end]) {
		end++
	}
	s := string(data[off:end])
	return s, len(strings.TrimSpace(s)) >= minString
}

// covered returns, for each byte of the sector, whether it is part of a
// reachable instruction.
func (c *Code) covered() []bool {
	code := make([]bool, len(c.Data))
	for _, n := range c.Nodes {
		for i := range n.Inst.Len() {
			code[n.Offset+i] = true
		}
	}
	return code
}

// dataEnd is where the bytes end that may be strings: before the disk's
// signature if there is a table.
func (c *Code) dataEnd() int {
	if c.Table {
		return diskIDOffset
	}
	return len(c.Data)
}

// running returns the linear address of an offset when the code runs, in the
// last copy that has it, and the segment that it is counted in.
func (c *Code) running(off int) (linear uint32, seg uint16) {
	for i := len(c.Copies) - 1; i >= 0; i-- {
		from := int(c.Copies[i].From) - int(c.Load)
		if off >= from && off < from+c.Copies[i].Bytes {
			return c.Copies[i].To + uint32(off-from), c.Copies[i].Seg
		}
	}
	return uint32(c.Load) + uint32(off), 0
}

// runningAt is running without the segment.
func (c *Code) runningAt(off int) uint32 {
	linear, _ := c.running(off)
	return linear
}

// findStrings collects the strings in what is not code, and the messages that
// the three bytes at 1B5 name: Windows 2000 and later keep there the low byte of
// each message's address in the page from 0700, which is 100h in the sector.
func (c *Code) findStrings() {
	code := c.covered()
	for off := 0; off < c.dataEnd(); {
		end := off
		for end < c.dataEnd() && !code[end] && printable(c.Data[end]) {
			end++
		}
		if s := string(c.Data[off:end]); len(strings.TrimSpace(s)) >= minString {
			c.Strings = append(c.Strings, Text{Linear: c.runningAt(off), Offset: off, Text: s})
		}
		off = max(end, off) + 1
	}
	if len(c.Data) < diskIDOffset {
		return
	}
	var found []Text
	for i := messageOffset; i < diskIDOffset; i++ {
		off := 0x100 + int(c.Data[i])
		s, ok := stringAt(c.Data[:c.dataEnd()], min(off, c.dataEnd()))
		if !ok || c.Data[i] == 0 || code[off] || off > 0x100 && printable(c.Data[off-1]) && !code[off-1] {
			return // all three, or it is something else
		}
		found = append(found, Text{Linear: c.runningAt(off), Offset: off, Text: s, At: i})
	}
	c.Messages = found
}
