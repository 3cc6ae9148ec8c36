package kd_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A normalizer renames what differs from run to run: addresses, process ids, message
// ids, threads (a process's id and the thread's) and channel numbers, each value
// always to the same name, in the order in which they appear; and it blanks times. It
// changes nothing else: what is no known process or message stays.
type normalizer struct {
	pids     map[uint64]bool // of the scene
	messages map[uint64]bool
	kernel   func(v uint64, digits int) bool // a number is an address of NT's kernel; nil: of our pools
	alias    map[uint64]uint64               // numbers that are to have the name of another
	names    map[string]string
	count    map[string]int
}

func newNormalizer(pids []int, messages []uint32) *normalizer {
	n := &normalizer{pids: map[uint64]bool{}, messages: map[uint64]bool{}, names: map[string]string{}, count: map[string]int{}}
	for _, p := range pids {
		n.pids[uint64(p)] = true
	}
	for _, m := range messages {
		n.messages[uint64(m)] = true
	}
	return n
}

var (
	timeText = regexp.MustCompile(`\d+\.\d{3} s\b|\b\d+:\d\d min\b|\b\d+:\d\d:\d\d:\d\d\.\d{3}\b|TickCount +\d+|Ticks: \d+|Debug session time: .*`)
	// A run of digits: with a backtick it is an address as stacks show it.
	word = regexp.MustCompile("\\b(0x)?[0-9a-f]{8}`[0-9a-f]{8}\\b|\\b0n\\d+\\b|\\b(0x)?[0-9a-f]+\\b")
)

func (n *normalizer) text(s string) string {
	s = timeText.ReplaceAllStringFunc(s, func(m string) string {
		if name, _, ok := strings.Cut(m, " "); ok && !strings.HasSuffix(m, " s") && !strings.HasSuffix(m, " min") {
			return strings.TrimSuffix(name, ":") + " <time>"
		}
		return "<time>"
	})
	for _, re := range threadText {
		s = replaceGroups(re, s, func(g []string) []string {
			pid, err := strconv.ParseUint(g[0], 10, 64)
			tid, err2 := strconv.ParseUint(g[1], 10, 64)
			if err != nil || err2 != nil || !n.pids[pid] {
				return g
			}
			return []string{g[0], n.name("tid", pid<<32|tid)}
		})
	}
	s = cidText.ReplaceAllString(s, "${1}.hex ($2.$3)")
	return word.ReplaceAllStringFunc(s, n.word)
}

var (
	// Where a thread's id stands: the process's id is in front of it.
	threadText = []*regexp.Regexp{
		regexp.MustCompile(`\((\d+)\.(\d+)\)`),
		regexp.MustCompile(`(\d+) thread (\d+)`),
		regexp.MustCompile(`received by \S+ (\d+) .*: thread (\d+) runs`),
	}
	cidText = regexp.MustCompile(`([0-9a-f]+)\.[0-9a-f]+ \((\d+)\.(<tid\d+>)\)`)
)

// replaceGroups replaces the two groups of each match.
func replaceGroups(re *regexp.Regexp, s string, f func([]string) []string) string {
	var b strings.Builder
	at := 0
	for _, m := range re.FindAllStringSubmatchIndex(s, -1) {
		g := f([]string{s[m[2]:m[3]], s[m[4]:m[5]]})
		b.WriteString(s[at:m[2]] + g[0] + s[m[3]:m[4]] + g[1])
		at = m[5]
	}
	return b.String() + s[at:]
}

// word renames one number, if it is of the scene.
func (n *normalizer) word(w string) string {
	if decimal, ok := strings.CutPrefix(w, "0n"); ok {
		return "0n" + n.word(decimal)
	}
	digits, hex := strings.CutPrefix(w, "0x")
	prefix := w[:len(w)-len(digits)]
	long := strings.ReplaceAll(digits, "`", "")
	if v, err := strconv.ParseUint(long, 16, 64); err == nil {
		switch pid := v >> 40; {
		case n.kernel != nil && n.kernel(v, len(long)):
			return prefix + n.name("address", v)
		case len(long) == 16 && n.pids[pid]:
			return prefix + n.name("address", v)
		case len(long) == 16 && n.messages[v]:
			return prefix + n.name("message", v)
		case n.messages[v] && v > 0xffff: // a small number may be anything
			return prefix + n.name("message", v)
		case len(long) >= 13 && v>>32 != 0:
			return prefix + n.name("channel", v)
		case n.pids[v] && !hex:
			return prefix + n.name("pid", v) + "h"
		}
	}
	if v, err := strconv.ParseUint(w, 10, 64); err == nil {
		if n.pids[v] {
			return n.name("pid", v)
		}
	}
	return w
}

func (n *normalizer) name(kind string, v uint64) string {
	if same, ok := n.alias[v]; ok {
		v = same
	}
	key := fmt.Sprint(kind, v)
	if n.names[key] == "" {
		n.count[kind]++
		n.names[key] = fmt.Sprintf("<%s%d>", kind, n.count[kind])
	}
	return n.names[key]
}
