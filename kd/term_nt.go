package kd

import (
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
)

// windowsTerm reads a name in an expression over a Windows dump: @register, a module,
// module!symbol. ok is false for what is no such name: it may be a number. A register
// needs its @, since most of their names are hexadecimal numbers too.
func (s *Session) windowsTerm(t string) (v uint64, ok bool, err error) {
	w := s.windows()
	if w == nil || t == "" {
		return 0, false, nil
	}
	d := w.Dump()
	if name, isRegister := strings.CutPrefix(t, "@"); isRegister {
		name = strings.ToLower(name)
		if !hasRegister(d.Header().Machine, name) {
			return 0, true, fmt.Errorf("%s is no register of %s", escape.Text(name), d.Header().Machine)
		}
		c, err := s.registersInUse(d)
		if err != nil {
			return 0, true, err
		}
		v, held := c.regs.Get(name)
		if !held {
			return 0, true, fmt.Errorf("the %s does not hold %s", recordName(c.regs), name)
		}
		return v, true, nil
	}
	module, symbol, isSymbol := strings.Cut(t, "!")
	if _, err := number(t); err == nil {
		return 0, false, nil
	}
	im := s.images(d)
	m := im.find(module)
	switch {
	case m == nil && isSymbol:
		return 0, true, fmt.Errorf("no module %s is loaded; lm lists them", escape.Text(module))
	case m == nil:
		return 0, false, nil
	case !isSymbol:
		return m.Base, true, nil
	}
	types, why := im.symbols(m)
	if types == nil {
		return 0, true, fmt.Errorf("there are no symbols for %s: %s", im.name(m), escape.Text(why))
	}
	rva, found := types.Symbol(symbol)
	if !found {
		return 0, true, fmt.Errorf("%s knows no symbol %s", escape.Text(types.Source()), escape.Text(symbol))
	}
	return m.Base + rva, true, nil
}
