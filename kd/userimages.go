package kd

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/stack"
)

// userImages are the modules of one process of a Windows dump.
type userImages struct {
	loaded []ntdump.Module   // by base
	names  map[uint64]string // by base: what stands before an exclamation mark
	err    error             // why the list is not whole
	none   bool              // there is nothing that could be listed
}

var (
	errNoProcess = errors.New("the page tables that the dump names are of no process that is known; .process sets one")
	errSmall     = errors.New("a triage dump holds nothing of any process's own memory")
)

// contextProcess is the process that user addresses belong to: the default one, else the
// one that ran, if the header's page tables are its own. 0: not known.
func (s *Session) contextProcess(d *ntdump.Dump) uint64 {
	if s.process != 0 {
		return s.process
	}
	at, ok := d.CurrentProcess()
	if !ok {
		return 0
	}
	space, err := d.SpaceOf(at)
	// The low bits of CR3 are flags, or with PAE part of the address (Intel SDM volume 3,
	// 4.5): of two processes they differ above bit 4 in any case.
	if err != nil || (space.DTB^d.Header().DTB)&^0x1f != 0 {
		return 0
	}
	return at
}

// imagesOf are the modules of the kernel and of a process. Only a dump with processes has
// the latter; they are read when a user address is first asked for.
func (s *Session) imagesOf(d *ntdump.Dump, process uint64) *images {
	if d.Header().Type == ntdump.Triage {
		process = 0
	}
	if im := s.modules[process]; im != nil {
		return im
	}
	if s.modules == nil {
		kernel := readImages(d)
		kernel.store = &s.symbols
		s.modules = map[uint64]*images{0: kernel}
	}
	im := *s.modules[0]
	im.process = process
	s.modules[process] = &im
	return &im
}

// threadImages are imagesOf the process that a thread belongs to; of no thread, those of
// the process that user addresses belong to.
func (s *Session) threadImages(d *ntdump.Dump, thread uint64) *images {
	if thread == 0 {
		return s.images(d)
	}
	return s.imagesOf(d, d.Thread(thread).Owner)
}

// user are the modules of the process.
func (im *images) user() *userImages {
	if im.users == nil {
		im.users = readUserImages(im.dump, im.process)
	}
	return im.users
}

func readUserImages(d *ntdump.Dump, process uint64) *userImages {
	u := &userImages{names: map[uint64]string{}}
	switch {
	case d.Header().Type == ntdump.Triage:
		u.err, u.none = errSmall, true
		return u
	case process == 0:
		u.err, u.none = errNoProcess, true
		return u
	}
	u.loaded, u.err = d.UserModules(process)
	u.none = errors.Is(u.err, ntdump.ErrNoUserPart)
	taken := map[string]bool{"nt": true, "": true} // nt is the kernel, whatever a process loads
	for i := range u.loaded {
		m := &u.loaded[i]
		name := escape.Text(m.Short())
		if taken[strings.ToLower(name)] {
			name = fmt.Sprintf("%s_%x", cmp.Or(name, "module"), m.Base)
		}
		taken[strings.ToLower(name)] = true
		u.names[m.Base] = name
	}
	slices.SortStableFunc(u.loaded, func(a, b ntdump.Module) int { return cmp.Compare(a.Base, b.Base) })
	return u
}

// userTrouble is a sentence on what the list of a process's modules lacks, "" for nothing.
func (s *Session) userTrouble(im *images) string {
	u := im.user()
	switch {
	case u.err == nil:
		return ""
	case len(u.loaded) == 0:
		return "No user modules are known: " + escape.Text(u.err.Error())
	}
	return "The list of user modules is not whole: " + escape.Text(u.err.Error())
}

// userPart is what a stack walk needs of the process that a thread belongs to, nil where
// no process is known.
func (im *images) userPart(d *ntdump.Dump, thread uint64) *stack.User {
	if im.process == 0 {
		return nil
	}
	u := &stack.User{Images: stackImages(im.user().loaded)}
	if thread != 0 {
		u.Limit, u.Base, _ = d.UserStack(d.Thread(thread)) // a walk does without
	}
	return u
}

// unnamed tells whether a walk came to user code that the process's list of modules would
// name if it were whole.
func (im *images) unnamed(w stack.Walk) bool {
	return im.process != 0 && slices.ContainsFunc(w.Frames, func(f stack.Frame) bool {
		return im.dump.IsUser(f.PC) && im.at(f.PC) == nil && im.user().err != nil
	})
}
