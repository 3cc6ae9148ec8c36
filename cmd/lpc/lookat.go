package main

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/disk"
	"github.com/seed-eedd8485/lpc/target/elfcore"
	"github.com/seed-eedd8485/lpc/target/live"
	"github.com/seed-eedd8485/lpc/target/memimage"
	"github.com/seed-eedd8485/lpc/target/ntdump"
	"github.com/seed-eedd8485/lpc/target/snapshot"
)

// lookAt is what a command of the debugger looks at.
type lookAt struct {
	PIDs  []int    `short:"p" name:"pid" placeholder:"PID" sep:"none" xor:"what" help:"Look at this process alone; several are joined."`
	Files []string `short:"z" name:"file" placeholder:"FILE" sep:"none" xor:"what" help:"Open a snapshot, a core file, a Windows kernel dump, an image of a Windows machine's memory, or a disk or its sector 0; several are joined."`
}

// formats are the kinds of files that kd opens; those with a weak magic stand last. A
// machine's memory stands before a process's: both are ELF cores.
var formats = target.Formats{snapshot.Format, memimage.ELF, elfcore.Format, ntdump.Format, disk.Format, memimage.Raw}

// open opens it; the caller closes it.
func (l *lookAt) open() (target.Target, error) { return l.openAs(openFile) }

// openAs is open with another way to open files.
func (l *lookAt) openAs(open func(path string) (target.Target, error)) (target.Target, error) {
	var list []target.Target
	var err error
	switch {
	case len(l.Files) > 0:
		for _, path := range l.Files {
			if err = add(&list, open, path); err != nil {
				break
			}
		}
	case len(l.PIDs) > 0:
		for _, pid := range l.PIDs {
			if pid <= 0 {
				err = fmt.Errorf("%d is no process id", pid)
			} else {
				err = add(&list, live.Open, pid)
			}
			if err != nil {
				break
			}
		}
	default:
		err = add(&list, live.Open, 0)
	}
	if err == nil {
		var t target.Target
		if t, err = target.Join(list...); err == nil {
			return t, nil
		}
	}
	for _, t := range list {
		_ = t.Close()
	}
	return nil, err
}

// add opens one more target.
func add[T target.Target, A any](list *[]target.Target, open func(A) (T, error), what A) error {
	t, err := open(what)
	if err == nil {
		*list = append(*list, t)
	}
	return err
}
