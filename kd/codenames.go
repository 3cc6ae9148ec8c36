package kd

import "fmt"

// codeNames names places in the code of a Windows dump for u. A nil one knows none.
type codeNames struct{ im *images }

// codeNames is nil for a target that is no Windows dump.
func (s *Session) codeNames() *codeNames {
	if w := s.windows(); w != nil {
		return &codeNames{s.images(w.Dump())}
	}
	return nil
}

// startAddress is where a thread began, with its symbol in front where one names it.
func (s *Session) startAddress(thread, addr uint64) string {
	text := "0x" + s.ptr(addr)
	w := s.windows()
	if w == nil {
		return text
	}
	names := &codeNames{s.threadImages(w.Dump(), thread)}
	if name, _, ok := names.symbol(addr); ok {
		return fmt.Sprintf("%s (%s)", name, text)
	}
	return text
}

// head prints the line in front of an instruction at which a symbol stands, and in
// front of the first one in any case, as WinDbg does.
func (c *codeNames) head(o *Out, addr uint64, first bool) {
	if name, off, ok := c.symbol(addr); ok && (first || off == 0) {
		o.Printf("%s:\n", name)
	}
}

// operand is an address as an instruction has it, with its symbol in front.
func (c *codeNames) operand(addr uint64, text string) string {
	if name, _, ok := c.symbol(addr); ok {
		return fmt.Sprintf("%s (%s)", name, text)
	}
	return text
}

// known tells whether a symbol names an address.
func (c *codeNames) known(addr uint64) bool {
	_, _, ok := c.symbol(addr)
	return ok
}

// symbol is the place of an address that a symbol names, and how far behind it.
func (c *codeNames) symbol(addr uint64) (name string, off uint64, ok bool) {
	if c == nil {
		return "", 0, false
	}
	m := c.im.at(addr)
	if m == nil {
		return "", 0, false
	}
	t, _ := c.im.symbols(m)
	if t == nil {
		return "", 0, false
	}
	if _, off, _, ok = t.Nearest(addr - m.Base); !ok || off >= maxSymbolBytes {
		return "", 0, false
	}
	return c.im.place(addr), off, true
}
