package kd

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdLm = Command{
	Name: "lm", Args: "[t] [n] [v] [a Address | m Pattern]",
	Short: "List the loaded and the unloaded modules of a Windows dump.",
	Long: `t or n shows file names and time stamps, v checksums, paths and where symbols come from too. a is the
module that holds an address, m those whose name matches a pattern with *. A time stamp is a date only where
the linker wrote one: since Windows 10 most hold a hash of the image, and then no date is shown. Symbols of
a module are deferred until something asks for a name of it (.sympath).`,
	Needs: target.Modules,
}

// cmdLmtn is lm t n in the form that most people type.
var cmdLmtn = Command{
	Name: "lmtn", Aliases: []string{"lmt", "lmn"}, Args: "[v] [a Address | m Pattern]",
	Short: "List the modules with file names and time stamps: lm t n.",
	Needs: target.Modules,
}

func init() {
	cmdLm.Run = runLm
	cmdLmtn.Run = func(ctx context.Context, s *Session, o *Out, args []string) error {
		return runLm(ctx, s, o, append([]string{"tn"}, args...))
	}
}

// lmOptions are what lm is to show.
type lmOptions struct {
	stamps, verbose bool
	addr            uint64
	byAddr          bool
	pattern         string
}

func (s *Session) lmArgs(args []string) (opt lmOptions, err error) {
	for len(args) > 0 {
		word := strings.ToLower(args[0])
		args = args[1:]
		switch {
		case word == "a" || word == "m":
			if len(args) == 0 {
				return opt, fmt.Errorf("lm: %s is followed by nothing, expected %s", word, map[string]string{"a": "an address", "m": "a pattern"}[word])
			}
			if word == "m" {
				opt.pattern = strings.ToLower(args[0])
			} else if opt.addr, err = s.address(args[0]); err != nil {
				return opt, err
			} else {
				opt.byAddr = true
			}
			args = args[1:]
		case strings.Trim(word, "tnvk") == "":
			opt.stamps = opt.stamps || strings.ContainsAny(word, "tnv")
			opt.verbose = opt.verbose || strings.Contains(word, "v")
		default:
			return opt, fmt.Errorf("lm: %s is no option; usage: lm %s", escape.Text(word), cmdLm.Args)
		}
	}
	return opt, nil
}

// wants tells whether a module is meant.
func (opt *lmOptions) wants(m *ntdump.Module) bool {
	return (!opt.byAddr || m.Contains(opt.addr)) && (opt.pattern == "" || match(opt.pattern, strings.ToLower(m.Short())))
}

func runLm(ctx context.Context, s *Session, o *Out, args []string) error {
	opt, err := s.lmArgs(args)
	if err != nil {
		return err
	}
	d, err := s.windowsDump("lm")
	if err != nil {
		return err
	}
	im := s.images(d)
	width := len(s.long(0))
	o.Printf("%-*s %-*s   module name\n", width, "start", width, "end")
	shown := 0
	for i := range im.loaded {
		m := &im.loaded[i]
		if !opt.wants(m) {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		shown++
		s.moduleLine(o, d, im, m, opt)
	}
	if im.err != nil {
		o.Printf("The list is not whole: %s\n", escape.Text(im.err.Error()))
	}
	if shown == 0 && (opt.byAddr || opt.pattern != "") {
		o.Printf("No loaded module is meant by that\n")
	}
	if opt.byAddr || opt.pattern != "" {
		return nil
	}
	return s.unloadedLines(o, d)
}

// moduleLine prints one loaded module.
func (s *Session) moduleLine(o *Out, d *ntdump.Dump, im *images, m *ntdump.Module, opt lmOptions) {
	row := fmt.Sprintf("%s %s   %-8s", s.long(m.Base), s.long(m.Base+m.Size), moduleName(m))
	if m.Err != nil {
		row += fmt.Sprintf("   (its name is not readable: %s)", escape.Text(m.Err.Error()))
	}
	switch {
	case opt.stamps:
		row += fmt.Sprintf(" %-12s %s", escape.Text(m.Name), stampText(m.Stamp, d.Header().Time))
	default:
		row += "   (" + im.symbolsText(m, opt) + ")"
	}
	o.Printf("%s\n", strings.TrimRight(row, " "))
	if opt.verbose {
		o.Printf("    Symbols:    %s\n", im.symbolsText(m, opt))
		o.Printf("    Image path: %s\n    Timestamp:  %s\n    CheckSum:   %08X\n    ImageSize:  %08X\n", escape.Text(m.Path), stampText(m.Stamp, d.Header().Time), m.CheckSum, m.Size)
	}
}

// symbolsText says where a module's symbols are from. A list of all modules does not
// read their files; v, and naming a module, does.
func (im *images) symbolsText(m *ntdump.Module, opt lmOptions) string {
	wanted := opt.verbose || opt.byAddr || opt.pattern != ""
	if !wanted && m.Short() != "nt" && len(im.store.Dirs()) > 0 && im.store.Known(m) == nil {
		return "deferred"
	}
	t, why := im.symbols(m)
	switch {
	case t != nil:
		return "symbols: " + escape.Text(t.Source())
	case opt.verbose:
		return "no symbols: " + escape.Text(why)
	}
	return "no symbols"
}

// firstStamp is older than any image of Windows NT: a stamp below it is no date.
var firstStamp = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// stampText is a module's TimeDateStamp, with the date where it can be one: between
// the first Windows NT and a day behind the dump.
func stampText(stamp uint32, dumped time.Time) string {
	at := time.Unix(int64(stamp), 0).UTC()
	switch {
	case stamp == 0:
		return "unavailable (00000000)"
	case at.Before(firstStamp), !dumped.IsZero() && at.After(dumped.Add(24*time.Hour)):
		return fmt.Sprintf("no date (%08X)", stamp)
	}
	return fmt.Sprintf("%s (%08X)", at.Format("Mon Jan _2 15:04:05 2006"), stamp)
}

// unloadedLines prints the modules that are gone.
func (s *Session) unloadedLines(o *Out, d *ntdump.Dump) error {
	list, err := d.UnloadedModules()
	if len(list) == 0 && err == nil {
		return nil
	}
	o.Printf("\nUnloaded modules:\n")
	for _, u := range list {
		name := escape.Text(u.Name)
		if u.Err != nil {
			name = "(its name is not readable: " + escape.Text(u.Err.Error()) + ")"
		}
		o.Printf("%s %s   %s\n", s.long(u.Start), s.long(u.End), name)
		o.Printf("    Timestamp: unavailable (00000000)\n    Checksum:  00000000\n    ImageSize:  %08X\n", u.End-u.Start)
		if !u.Time.IsZero() {
			o.Printf("    Unloaded:  %s\n", u.Time.Format("Mon Jan _2 15:04:05 2006"))
		}
	}
	if err != nil {
		o.Printf("The list is not whole: %s\n", escape.Text(err.Error()))
	}
	return nil
}
