package ndisasm

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Side says whose text a rule rewrites.
type Side int

// Both normalised texts meet in the middle, so either may need a rule.
const (
	Ours   Side = 1 << iota // what x86dec prints
	Theirs                  // what ndisasm prints
)

// A Rule rewrites one difference of spelling.
type Rule struct {
	Name  string
	Side  Side
	apply func(string) string
}

// Apply rewrites text.
func (r Rule) Apply(text string) string { return r.apply(text) }

// Normalise applies the rules of a side in order.
func Normalise(side Side, text string) string {
	for _, r := range Rules {
		if r.Side&side != 0 {
			text = r.apply(text)
		}
	}
	return strings.TrimSpace(text)
}

// Rules are applied from first to last.
var Rules = []Rule{
	{"one space between mnemonic and operands", Ours, regex(`\s+`, " ")},
	{"ptr is not written", Ours, regex(` ptr\b`, "")},
	{"hex is 0x and lower case", Ours, hexNumbers},
	{"branch targets and far pointers are numbers", Ours, branchTargets},
	{"the segment stands within the brackets", Ours, regex(`\b([cdefgs]s):\[`, "[${1}:")},
	{"direct addresses are in ds unless it says otherwise", Ours | Theirs, regex(`\[ds:(0x[0-9a-f]+\])`, "[$1")},
	{"string instructions end in their unit, without operands", Ours, stringInstructions},
	{"size and address prefixes are o32 and a32", Ours, regex(`\b(data|addr)32 `, "")},
	{"negative immediates are cut to the operand size", Theirs, cutNegative},
	{"size and address prefixes are left out: length and text show them", Theirs, regex(`\b[oa]32 `, "")},
	{"names of conditions", Ours, words(`(?:cmov|fcmov|set|j|)`, conditions)},
	{"other names of instructions and sizes", Ours | Theirs, otherNames},
	{"a shift by one has the number as well", Theirs, regex(`,1$`, ",0x1")},
	{"loop counts in cx, or ecx with a32", Theirs, regex(`^(loop\w* \w+),e?cx$`, "$1")},
	{"distances and the size of immediates are left out", Theirs, regex(`\b(?:(?:short|near) |(?:byte|word|dword) ([+-]?0x)|d?word ([c-gs]s:|e[a-ds]))`, "$1$2")},
	{"no size where a register gives it or only one exists", Ours | Theirs, dropSize},
	{"no + before a number", Theirs, regex(`([ ,])\+0x`, "${1}0x")},
	{"no zero displacement", Theirs, regex(`([a-z])[+-]0x0\]`, "$1]")},
	{"registers of the coprocessor", Ours | Theirs, coprocessor},
	{"xchg and test take their operands in either order", Ours | Theirs, sortOperands},
}

func regex(pattern, replacement string) func(string) string {
	re := regexp.MustCompile(pattern)
	return func(s string) string { return re.ReplaceAllString(s, replacement) }
}

var masmNumber = regexp.MustCompile(`([ ,+\-\[:]|^)([0-9][0-9A-F]*h|[0-9])($|[,\]+\-])`)

func hexNumbers(s string) string {
	mnemonic, operands, _ := strings.Cut(s, " ")
	if operands == "" || strings.HasPrefix(mnemonic, "f") && strings.Contains(operands, "st(") {
		return s
	}
	operands = masmNumber.ReplaceAllStringFunc(strings.ReplaceAll(operands, ",", ", "), func(m string) string {
		p := masmNumber.FindStringSubmatch(m)
		v, err := strconv.ParseUint(strings.TrimSuffix(p[2], "h"), 16, 64)
		if err != nil {
			return m
		}
		return fmt.Sprintf("%s%#x%s", p[1], v, p[3])
	})
	return mnemonic + " " + strings.ReplaceAll(operands, ", ", ",")
}

var (
	nearTarget = regexp.MustCompile(`^((?:[a-z0-9]+ )*(?:j[a-z]+|call|loop[a-z]*) )([0-9a-f]{4}|[0-9a-f]{8})$`)
	farTarget  = regexp.MustCompile(` ([0-9a-f]{4}):([0-9a-f]{4,8})$`)
)

func branchTargets(s string) string {
	hex := func(t string) string {
		v, _ := strconv.ParseUint(t, 16, 64)
		return fmt.Sprintf("%#x", v)
	}
	if p := nearTarget.FindStringSubmatch(s); p != nil {
		return p[1] + hex(p[2])
	}
	if p := farTarget.FindStringSubmatch(s); p != nil {
		return strings.TrimSuffix(s, p[0]) + " " + hex(p[1]) + ":" + hex(p[2])
	}
	return s
}

var (
	stringOp = regexp.MustCompile(`\b(movs|cmps|lods|stos|scas|ins|outs|xlat) .*?\b(byte|word|dword) .*$`)
	override = regexp.MustCompile(`\[([cdfgs]s|es):e?(?:si|bx)`)
)

func stringInstructions(s string) string {
	p := stringOp.FindStringSubmatch(s)
	if p == nil {
		return s
	}
	out := strings.TrimSuffix(s, p[0]) + p[1] + p[2][:1]
	if o := override.FindStringSubmatch(p[0]); o != nil {
		out = o[1] + " " + out
	}
	return out
}

var conditions = map[string]string{
	"b": "c", "ae": "nc", "e": "z", "ne": "nz", "be": "na", "p": "pe", "np": "po", "ge": "nl", "le": "ng",
}

// words replaces what follows one of the stems at the start of a mnemonic.
func words(stems string, names map[string]string) func(string) string {
	re := regexp.MustCompile(`^((?:(?:cs|ds|es|ss|fs|gs|rep|repne) )*)(cmov|set|j)([a-z]+)\b`)
	return func(s string) string {
		p := re.FindStringSubmatch(s)
		if p == nil || names[p[3]] == "" {
			return s
		}
		return p[1] + p[2] + names[p[3]] + s[len(p[0]):]
	}
}

var synonyms = strings.NewReplacer("tbyte [", "tword [", "xrelease ", "rep ", "xacquire ", "repne ", "bnd ", "repne ", "repe ", "rep ", "pushd ", "push ",
	"jmp fword [", "jmp dword far [", "call fword [", "call dword far [")

func otherNames(s string) string {
	switch body := withoutPrefixes(s); body {
	case "int 0x3":
		return strings.TrimSuffix(s, body) + "int3"
	case "xchg eax,eax", "xchg ax,ax": // 66 90 and 67 90
		return strings.TrimSuffix(s, body) + "nop"
	}
	return synonyms.Replace(s)
}

var (
	sizedMemory = regexp.MustCompile(`\b(byte|word|dword|fword|qword|tbyte|tword) (\[)`)
	register    = regexp.MustCompile(`^(?:[abcd][lhx]|[sd]i|[sb]p|e[abcd]x|e[sd]i|e[sb]p|[c-gs]s|[cd]r\d)$`)
	oneSize     = regexp.MustCompile(`^(?:(?:jmp|call) word|(?:bound|arpl|verr|verw|l[defgs]s|[ls][gil]dt|str|ltr|set[a-z]+|[ls]msw|lar|lsl|cmpxchg8b|f(?:ld|n?st)[cs]w) |mov[sz]x [a-ds][xpi],)`)
	keepsSize   = regexp.MustCompile(`^(?:mov[sz]x |[rs][aoch][lr] )`)
)

// dropSize removes the size of a memory operand where a register operand has
// the same, and where the instruction knows one size only; it stays where it
// is the only sign of the size: movzx, shifts by cl, immediates.
func dropSize(s string) string {
	body := strings.TrimLeft(withoutPrefixes(s), " ")
	mnemonic, operands, _ := strings.Cut(body, " ")
	drop := oneSize.MatchString(body)
	if !drop && !keepsSize.MatchString(body) && !strings.HasPrefix(mnemonic, "f") {
		for _, o := range strings.Split(operands, ",") {
			drop = drop || register.MatchString(o)
		}
	}
	if !drop {
		return s
	}
	return sizedMemory.ReplaceAllString(s, "$2")
}

var prefixWords = regexp.MustCompile(`^(?:(?:lock|repn?e?|[cdefgs]s|[oa](?:16|32)|data32|addr32) )+`)

func withoutPrefixes(s string) string { return prefixWords.ReplaceAllString(s, "") }

var negative = regexp.MustCompile(`([ ,])(?:(?:byte|word|dword) )?-0x([0-9a-f]+)$`)

// cutNegative writes an immediate with a minus as the bits that it has in the
// operand size, which the first operand, or for push its own size word, tells.
func cutNegative(s string) string {
	p := negative.FindStringSubmatch(s)
	if p == nil {
		return s
	}
	v, err := strconv.ParseUint(p[2], 16, 32)
	if err != nil {
		return s
	}
	body := withoutPrefixes(s)
	_, operands, _ := strings.Cut(body, " ")
	first, _, _ := strings.Cut(operands, ",")
	bits := uint64(1<<16 - 1)
	switch {
	case strings.HasPrefix(first, "byte [") || regexp.MustCompile(`^[abcd][lh]$`).MatchString(first):
		bits = 1<<8 - 1
	case strings.HasPrefix(first, "dword") || strings.HasPrefix(first, "e") && first != "es",
		strings.HasPrefix(s, "o32 "):
		bits = 1<<32 - 1
	}
	return fmt.Sprintf("%s%s%#x", strings.TrimSuffix(s, p[0]), p[1], -v&bits)
}

// coprocessor writes st(1) as st1, and leaves out st0 where it is one of two
// operands: ndisasm does so by its own lights, and the mnemonic (and "to")
// tells which it was.
func coprocessor(s string) string {
	mnemonic, operands, found := strings.Cut(withoutPrefixes(s), " ")
	if !found || !strings.HasPrefix(mnemonic, "f") || strings.Contains(operands, "[") {
		return s
	}
	head := strings.TrimSuffix(s, operands)
	operands = strings.NewReplacer("(", "", ")", "").Replace(operands)
	operands = strings.TrimPrefix(operands, "to ")
	ops := strings.Split(operands, ",")
	if len(ops) == 2 {
		if ops[0] == "st" || ops[0] == "st0" {
			ops = ops[1:]
		} else {
			ops = ops[:1]
		}
	}
	return head + strings.Join(ops, ",")
}

// sortOperands is for xchg alone.
func sortOperands(s string) string {
	body := withoutPrefixes(s)
	if !strings.HasPrefix(body, "xchg ") && !strings.HasPrefix(body, "test ") {
		return s
	}
	a, b, ok := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(body, "xchg "), "test "), ",")
	if !ok || a <= b || strings.HasPrefix(b, "0x") {
		return s
	}
	return strings.TrimSuffix(s, body) + body[:5] + b + "," + a
}
