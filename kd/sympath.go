package kd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/ntdump"
)

var (
	cmdSympath = Command{
		Name: ".sympath", Args: "[+] [Directory ...] | -",
		Short: "Set the directories in which symbol files of a Windows dump lie, or say which they are.",
		Long: `A directory is one that a symbol server filled: ntkrnlmp.pdb/GUIDage/ntkrnlmp.pdb. Public PDB files are
read (names, structures, stack frames), and ISF files as volatility3 files them: ntkrnlmp.pdb/GUID-age.json,
also packed. GUID and age must be those that the module's image in the dump names; where these pages are not
in the dump, as in small dumps, the image itself is looked for: ntoskrnl.exe/TimeStampSize/ntoskrnl.exe.
Nothing is downloaded. + adds directories, - takes all away. Each module's file is read when a name of it is
first wanted; the kernel's at once, whose structures then go before those that are built in.`,
	}
	cmdReload = Command{
		Name: ".reload", Short: "Forget what was read of symbol files, and look for them anew.",
	}
)

func init() {
	cmdSympath.Run = runSympath
	cmdReload.Run = func(_ context.Context, s *Session, o *Out, args []string) error {
		if err := atMost(args, 0, ".reload"); err != nil {
			return err
		}
		return s.setSymbols(o, ".reload", s.symbols.Dirs())
	}
}

func runSympath(_ context.Context, s *Session, o *Out, args []string) error {
	dirs := s.symbols.Dirs()
	switch {
	case len(args) == 0:
		d, err := s.windowsDump(".sympath")
		if err == nil {
			s.symbolState(o, d)
		}
		return err
	case args[0] == "-":
		if err := atMost(args, 1, ".sympath -"); err != nil {
			return err
		}
		dirs = nil
	case args[0] == "+":
		dirs = append(dirs[:len(dirs):len(dirs)], args[1:]...)
	default:
		dirs = args
	}
	for _, dir := range dirs {
		if strings.Contains(dir, "://") || strings.Contains(dir, "*") {
			return fmt.Errorf(".sympath: %s names a server, and none is asked: expected directories of this machine", escape.Text(dir))
		}
	}
	return s.setSymbols(o, ".sympath", dirs)
}

// setSymbols makes directories those that are searched and chooses the kernel's types
// anew.
func (s *Session) setSymbols(o *Out, command string, dirs []string) error {
	d, err := s.windowsDump(command)
	if err != nil {
		return err
	}
	if err := s.symbols.SetDirs(dirs); err != nil {
		return fmt.Errorf("%s: %s", command, escape.Text(err.Error()))
	}
	if err := s.setKernelTypes(d); err != nil {
		return fmt.Errorf("%s: %s", command, escape.Text(err.Error()))
	}
	s.symbolState(o, d)
	return nil
}

// SymbolPath is .sympath for a program that starts a session with directories. A
// target that is no Windows dump has no use for them.
func (s *Session) SymbolPath(dirs []string) error {
	if s.windows() == nil {
		return errors.New("a symbol path is for Windows dumps; this target is " + escape.Text(s.Target.Describe()))
	}
	return s.setSymbols(&Out{w: discard{}}, ".sympath", dirs)
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// setKernelTypes gives the dump the kernel's description: what .isf named before what
// the symbol directories have before what the dump itself tells.
// In a memory image whose debugger data is encoded, the symbols decode it.
func (s *Session) setKernelTypes(d *ntdump.Dump) error {
	d.SetTypes(nil)
	own := d.Types()
	s.modules = nil
	var found isf.Types
	if m := s.images(d).find("nt"); m != nil {
		found = s.symbols.Module(d, m).Types
	}
	var err error
	if _, encoded := d.KernelImage(); encoded && found != nil {
		err = d.UseKernelSymbols(found)
		own = d.Types()
	}
	switch {
	case s.isf != nil:
		d.SetTypes(isf.Over(s.isf, found)) // no built-in structure stands beside those of a file that the user chose
	case found != nil:
		d.SetTypes(isf.Over(found, own))
	}
	s.modules = nil
	return err
}

// symbolState says where symbols are looked for and what the kernel has.
func (s *Session) symbolState(o *Out, d *ntdump.Dump) {
	dirs := s.symbols.Dirs()
	if len(dirs) == 0 {
		o.Printf("Symbol search path is: (empty)\n")
		return
	}
	o.Printf("Symbol search path is: %s\n", escape.Text(strings.Join(dirs, ";")))
	m := s.images(d).find("nt")
	if m == nil {
		o.Printf("nt: the kernel is not in the list of modules\n")
		return
	}
	f := s.symbols.Module(d, m)
	if f.Err != nil {
		o.Printf("nt: no symbols: %s\n", escape.Text(f.Err.Error()))
		return
	}
	o.Printf("nt: %s, %d structures\n", escape.Text(f.File), len(f.Types.Names()))
}
