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
	Name: "lm", Args: "[t] [n] [v] [u | k] [a Address | m Pattern]",
	Short: "List the loaded and the unloaded modules of a Windows dump.",
	Long: `t or n shows file names and time stamps, v checksums, paths and where symbols come from too. a is the
module that holds an address, m those whose name matches a pattern with *. First come the modules of the
process that user addresses belong to (.process), where it has some in memory, then the kernel's: u lists the
former alone, k the latter. The letters may be joined: lmu, lmvm NAME. Of two modules of a process with one
name the later one has its base in its name; those of a Wow64 process are both its 64-bit and its 32-bit ones.
What a process says of its modules is its own to write: none outside of it is taken. A time stamp is a date only where
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

// joinedLmCommand is lm whose options were typed as one word: lmu, lmvm NAME.
func joinedLmCommand(word string, args []string) (*Command, []string, bool) {
	letters, ok := strings.CutPrefix(strings.ToLower(word), "lm")
	last := strings.TrimLeft(letters, "tnvuk")
	if !ok || letters == "" || last != "" && last != "m" && last != "a" {
		return nil, nil, false
	}
	var front []string
	if options := strings.TrimSuffix(letters, last); options != "" {
		front = append(front, options)
	}
	if last != "" {
		front = append(front, last)
	}
	return &cmdLm, append(front, args...), true
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
	user, kernel    bool // one of them alone is shown; neither: both are
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
		case strings.Trim(word, "tnvuk") == "":
			opt.stamps = opt.stamps || strings.ContainsAny(word, "tnv")
			opt.verbose = opt.verbose || strings.Contains(word, "v")
			opt.user = opt.user || strings.Contains(word, "u")
			opt.kernel = opt.kernel || strings.Contains(word, "k")
		default:
			return opt, fmt.Errorf("lm: %s is no option; usage: lm %s", escape.Text(word), cmdLm.Args)
		}
	}
	return opt, nil
}

// wants tells whether a module is meant.
func (opt *lmOptions) wants(im *images, m *ntdump.Module) bool {
	return (!opt.byAddr || m.Contains(opt.addr)) && (opt.pattern == "" || match(opt.pattern, strings.ToLower(im.name(m))))
}

// wantsUser and wantsKernel tell which parts of the list are meant.
func (opt *lmOptions) wantsUser() bool   { return opt.user || !opt.kernel }
func (opt *lmOptions) wantsKernel() bool { return opt.kernel || !opt.user }

// narrow tells whether single modules are meant, not lists.
func (opt *lmOptions) narrow() bool { return opt.byAddr || opt.pattern != "" }

// listed are the modules that are meant, by base: the process's, then the kernel's.
func (opt *lmOptions) listed(im *images) (list []*ntdump.Module) {
	add := func(all []ntdump.Module) {
		for i := range all {
			if m := &all[i]; opt.wants(im, m) {
				list = append(list, m)
			}
		}
	}
	if opt.wantsUser() {
		add(im.user().loaded)
	}
	if opt.wantsKernel() {
		add(im.loaded)
	}
	return list
}

// lacks are sentences on what the parts of the list that are meant lack. That a process
// has none of its own is said only where they are asked for.
func (s *Session) lmLacks(im *images, opt lmOptions) (user, kernel string) {
	if why := s.userTrouble(im); opt.wantsUser() && (opt.user || !im.user().none) {
		user = why
	}
	if opt.wantsKernel() && im.err != nil {
		kernel = "The list is not whole: " + escape.Text(im.err.Error())
	}
	return user, kernel
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
	list := opt.listed(im)
	for _, m := range list {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.moduleLine(o, d, im, m, opt)
	}
	user, kernel := s.lmLacks(im, opt)
	for _, why := range []string{user, kernel} {
		if why != "" {
			o.Printf("%s\n", why)
		}
	}
	if len(list) == 0 && opt.narrow() {
		o.Printf("No loaded module is meant by that\n")
	}
	if opt.narrow() || !opt.wantsKernel() {
		return nil
	}
	return s.unloadedLines(o, d)
}

// moduleLine prints one loaded module.
func (s *Session) moduleLine(o *Out, d *ntdump.Dump, im *images, m *ntdump.Module, opt lmOptions) {
	row := fmt.Sprintf("%s %s   %-8s", s.long(m.Base), s.long(m.Base+m.Size), im.name(m))
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
		o.Printf("    Symbols:    %s\n", strings.TrimPrefix(im.symbolsText(m, opt), "symbols: "))
		o.Printf("    Image path: %s\n    Timestamp:  %s\n    CheckSum:   %08X\n    ImageSize:  %08X\n", escape.Text(m.Path), stampText(m.Stamp, d.Header().Time), m.CheckSum, m.Size)
	}
}

// symbolsText says where a module's symbols are from. A list of all modules does not
// read their files; v, and naming a module, does.
func (im *images) symbolsText(m *ntdump.Module, opt lmOptions) string {
	wanted := opt.verbose || opt.narrow()
	if !wanted && !isKernel(m) && len(im.store.Dirs()) > 0 && im.store.Known(m) == nil {
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
