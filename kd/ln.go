package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdLn = Command{
	Name: "ln", Args: "Address", Short: "Show the symbols nearest to an address of a Windows dump: at or below it, and above.",
	Long: `(nearest) marks a name whose end is not known: the address may belong to code that has no name. For a
function of x86 whose frame the symbol file describes, that is shown too, in bytes.`,
	Needs: target.Modules,
}

func init() { cmdLn.Run = runLn }

func runLn(_ context.Context, s *Session, o *Out, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("ln: %d arguments, expected an address", len(args))
	}
	addr, err := s.address(args[0])
	if err != nil {
		return err
	}
	d, err := s.windowsDump("ln")
	if err != nil {
		return err
	}
	im := s.images(d)
	m := im.at(addr)
	if m == nil {
		return fmt.Errorf("ln: %s is in no loaded module; lm lists them", s.ptr(addr))
	}
	t, why := im.symbols(m)
	if t == nil {
		return fmt.Errorf("ln: %s is in %s, which has no symbols: %s", s.ptr(addr), im.name(m), escape.Text(why))
	}
	rva := addr - m.Base
	name, off, _, ok := t.Nearest(rva)
	row := ""
	if ok {
		row = fmt.Sprintf("(%s)   %s", s.long(addr-off), im.place(addr))
	}
	if next, ok := isf.Next(t, rva); ok && next.RVA < m.Size {
		row += fmt.Sprintf("   |  (%s)   %s!%s", s.long(m.Base+next.RVA), im.name(m), escape.Text(next.Name))
	}
	if row == "" {
		return fmt.Errorf("ln: %s names nothing near %s", escape.Text(t.Source()), s.ptr(addr))
	}
	o.Printf("%s\n", row)
	if ok && off == 0 {
		o.Printf("Exact matches:\n    %s!%s\n", im.name(m), escape.Text(name))
	}
	if f, ok := im.frame(addr); ok {
		o.Printf("Frame: %#x bytes of code, %#x of locals, %#x of parameters, %#x of saved registers\n", f.Size, f.Locals, f.Params, f.Registers)
	}
	return nil
}
