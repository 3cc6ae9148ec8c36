package kd

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdR = Command{
	Name: "r", Args: "[Register[,Register]]",
	Short: "Show the registers in use: of .cxr, .trap, .tss or .thread, else what the processor saved.",
	Long:  `A register that the record in use does not hold is question marks.`,
	Needs: target.Registers,
}

func init() { cmdR.Run = runR }

func runR(_ context.Context, s *Session, o *Out, args []string) error {
	d, err := s.windowsDump("r")
	if err != nil {
		return err
	}
	c, err := s.registersInUse(d)
	if err != nil {
		return fmt.Errorf("r: %w", err)
	}
	if len(args) == 0 {
		o.Printf("Registers of %s\n", escape.Text(c.from))
		s.registerBlock(o, s.threadImages(d, c.thread), c.regs)
		return nil
	}
	for _, name := range strings.FieldsFunc(strings.Join(args, ","), func(r rune) bool { return r == ',' }) {
		name = strings.ToLower(strings.TrimPrefix(name, "@"))
		if !hasRegister(d.Header().Machine, name) {
			return fmt.Errorf("r: %s is no register of %s", escape.Text(name), d.Header().Machine)
		}
		o.Printf("%s=%s\n", name, registerText(c.regs, name))
	}
	return nil
}

// Rows of a register block, as WinDbg lays them out.
var (
	rowsX86 = [][]string{{"eax", "ebx", "ecx", "edx", "esi", "edi"}, {"eip", "esp", "ebp"}}
	rowsX64 = [][]string{
		{"rax", "rbx", "rcx"}, {"rdx", "rsi", "rdi"}, {"rip", "rsp", "rbp"},
		{"r8", "r9", "r10"}, {"r11", "r12", "r13"}, {"r14", "r15"},
	}
	rowsARM64 = [][]string{
		{"x0", "x1", "x2", "x3"}, {"x4", "x5", "x6", "x7"}, {"x8", "x9", "x10", "x11"}, {"x12", "x13", "x14", "x15"},
		{"x16", "x17", "x18", "x19"}, {"x20", "x21", "x22", "x23"}, {"x24", "x25", "x26", "x27"}, {"x28", "fp", "lr", "sp"}, {"pc"},
	}
	rowsIA64  = [][]string{{"iip", "ipsr"}, {"sp", "bsp", "bspstore"}}
	selectors = []string{"cs", "ss", "ds", "es", "fs", "gs"}
)

func registerRows(m ntdump.Machine) [][]string {
	switch m {
	case ntdump.X86:
		return rowsX86
	case ntdump.X64:
		return rowsX64
	case ntdump.ARM64:
		return rowsARM64
	case ntdump.IA64:
		return rowsIA64
	}
	return nil
}

// hasRegister tells whether a machine has a register that records hold.
func hasRegister(m ntdump.Machine, name string) bool {
	for _, row := range registerRows(m) {
		for _, r := range row {
			if r == name {
				return true
			}
		}
	}
	switch m {
	case ntdump.ARM64:
		return name == "cpsr"
	case ntdump.IA64:
		return false
	}
	for _, r := range append(selectors, "efl") {
		if r == name {
			return true
		}
	}
	return false
}

// registerText is a register's value in its width; question marks where the record
// does not hold it.
func registerText(r *ntdump.Registers, name string) string {
	digits := 16
	switch {
	case len(name) == 2 && name[1] == 's':
		digits = 4
	case r.Machine == ntdump.X86 || name == "efl" || name == "cpsr":
		digits = 8
	}
	if v, ok := r.Get(name); ok {
		return fmt.Sprintf("%0*x", digits, v)
	}
	return strings.Repeat("?", digits)
}

// registerBlock prints registers, the place in code, and the instruction there.
func (s *Session) registerBlock(o *Out, im *images, r *ntdump.Registers) {
	if v, ok := r.Get("ErrCode"); ok {
		o.Printf("ErrCode = %08x\n", v)
	}
	whole := true
	for i, row := range registerRows(r.Machine) {
		var words []string
		for _, name := range row {
			_, ok := r.Get(name)
			whole = whole && ok
			text := name + "=" + registerText(r, name)
			if r.Machine != ntdump.X86 {
				text = fmt.Sprintf("%3s=%s", name, registerText(r, name))
			}
			words = append(words, text)
		}
		line := strings.Join(words, " ")
		if r.Machine == ntdump.X86 && i == 1 {
			line += " " + flagsText(r)
		}
		o.Printf("%s\n", line)
	}
	switch r.Machine {
	case ntdump.X64:
		o.Printf("%s\n", flagsText(r))
		fallthrough
	case ntdump.X86:
		var words []string
		for _, name := range selectors {
			words = append(words, name+"="+registerText(r, name))
		}
		o.Printf("%s             efl=%s\n", strings.Join(words, "  "), registerText(r, "efl"))
	case ntdump.ARM64:
		o.Printf("cpsr=%s\n", registerText(r, "cpsr"))
	}
	if !whole {
		o.Printf("The %s does not hold the registers with question marks\n", recordName(r))
	}
	s.instructionLine(o, im, r)
}

// recordName is what holds registers, in words.
func recordName(r *ntdump.Registers) string {
	switch r.From {
	case "KTRAP_FRAME":
		return "trap frame"
	case "KTSS":
		return "task state segment"
	case "CONTEXT":
		return "context record"
	}
	return r.From
}

// instructionLine prints where the registers stand in code.
func (s *Session) instructionLine(o *Out, im *images, r *ntdump.Registers) {
	pc := r.PC()
	if pc == 0 {
		return
	}
	o.Printf("%s:\n", im.place(pc))
	if im.dump.IsUser(pc) && im.process != s.contextProcess(im.dump) {
		o.Printf("%s ??  code of another process: .process %s reads it\n", s.long(pc), s.ptr(im.process))
		return
	}
	code, why := s.codeBytes(pc, maxInstruction)
	text, n := "", 0
	if len(code) > 0 && (r.Machine == ntdump.X86 || r.Machine == ntdump.X64) {
		text, n = decode(code, pc, 8*s.Target.PointerSize())
	}
	if n == 0 || n > len(code) {
		reason := "instructions of " + r.Machine.String() + " are not disassembled"
		if why != nil {
			reason = why.Error()
		}
		o.Printf("%s ??  %s\n", s.long(pc), escape.Text(reason))
		return
	}
	o.codeLine(s.long(pc), code[:n], text)
}

// flagsText is EFLAGS as WinDbg writes them (Intel SDM volume 1, 3.4.3).
func flagsText(r *ntdump.Registers) string {
	f, ok := r.Get("efl")
	if !ok {
		return "iopl=?"
	}
	words := fmt.Sprintf("iopl=%x        ", f>>12&3)
	for _, b := range []struct {
		bit        uint
		set, clear string
	}{{11, "ov", "nv"}, {10, "dn", "up"}, {9, "ei", "di"}, {7, "ng", "pl"}, {6, "zr", "nz"}, {4, "ac", "na"}, {2, "pe", "po"}, {0, "cy", "nc"}} {
		word := b.clear
		if f>>b.bit&1 == 1 {
			word = b.set
		}
		words += " " + word
	}
	return words
}
