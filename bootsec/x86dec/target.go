package x86dec

import (
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// Displacement returns how far behind the instruction's end a near jump, branch,
// loop or call goes, for a reader who counts in addresses other than the segment's.
func (in Inst) Displacement() (int64, bool) {
	rel, ok := in.Asm.Args[0].(x86asm.Rel)
	return int64(rel), ok
}

// WithTarget returns the instruction as String does, with another text for the
// target of a near jump, branch, loop or call. Other instructions are String's.
func (in Inst) WithTarget(target string) string {
	if _, ok := in.Displacement(); !ok {
		return in.String()
	}
	mnemonic := in.Mnemonic()
	if strings.Contains(mnemonic, " ") {
		return mnemonic + " " + target
	}
	return fmt.Sprintf("%-7s %s", mnemonic, target)
}
