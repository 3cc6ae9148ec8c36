package ntdump

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/ntdump/object"
	"github.com/seed-eedd8485/lpc/target"
)

// noObjects says why objects cannot be read.
func (t *Target) noObjects() string {
	const what = "objects, handles and ports"
	switch why := t.noMemory(); {
	case t.small():
		return "a triage dump holds no " + what + ": it has one thread, its process and stack, and the list of modules"
	case why != "":
		return "no " + what + " can be read: " + why
	}
	if _, err := t.objectReader(); err != nil {
		return "no " + what + " can be read: " + err.Error() + "; .isf FILE gives what is missing"
	}
	return ""
}

// objectReader is the reader of objects by the types in use.
func (t *Target) objectReader() (*object.Reader, error) {
	if types := t.d.Types(); t.objects == nil || t.objectTypes != types {
		r, err := object.New(t.d)
		if err != nil {
			return nil, err
		}
		t.objects, t.objectTypes, t.ports = r, types, nil
	}
	return t.objects, nil
}

// one is a sequence of one value.
func one[T any](v T) iter.Seq[T] { return func(yield func(T) bool) { yield(v) } }

// Object is target.System's.
func (t *Target) Object(addr uint64) (target.Object, error) {
	r, err := t.objectReader()
	if err != nil {
		return target.Object{}, err
	}
	o, err := r.At(addr)
	if o.TypeName == "" {
		return target.Object{}, err
	}
	out := t.object(r, &o)
	out.Err = err
	return out, nil
}

// object is an object as kd sees it.
func (t *Target) object(r *object.Reader, o *object.Object) target.Object {
	out := target.Object{Addr: o.Body, Type: o.TypeName, TypeAddr: o.Type, Header: o.Header, NewHeader: o.New, Name: o.Name, Directory: o.Directory,
		Handles: o.Handles, Pointers: o.Pointers, Path: r.Path(o)}
	if o.NameErr != nil {
		out.Name = "(not readable: " + o.NameErr.Error() + ")"
	}
	return out
}

// Handles is target.System's.
func (t *Target) Handles(p uint64) iter.Seq[target.Handle] {
	r, err := t.objectReader()
	if err != nil {
		return one(target.Handle{Err: err})
	}
	proc, err := t.Process(p)
	if err != nil {
		return one(target.Handle{Err: err})
	}
	table, err := r.Table(proc.Addr)
	if err != nil {
		return one(target.Handle{Process: proc.Addr, Err: err})
	}
	return handles(table, proc.Addr)
}

// IDs are the entries of the table of process and thread ids: the value is the id,
// the object its _EPROCESS or _ETHREAD.
func (t *Target) IDs() iter.Seq[target.Handle] {
	r, err := t.objectReader()
	if err != nil {
		return one(target.Handle{Err: err})
	}
	table, err := r.CidTable()
	if err != nil {
		return one(target.Handle{Err: err})
	}
	return handles(table, 0)
}

func handles(table *object.Table, process uint64) iter.Seq[target.Handle] {
	return func(yield func(target.Handle) bool) {
		for h := range table.Handles() {
			var flags []string
			for _, f := range []struct {
				name string
				set  bool
			}{{"Inherit", h.Inherit}, {"Protected", h.Protected}, {"Audit", h.Audit}} {
				if f.set {
					flags = append(flags, f.name)
				}
			}
			out := target.Handle{Value: h.Value, Object: h.Body, Access: h.Access, Flags: strings.Join(flags, "|"), Entry: h.Entry, Next: h.Next, Err: h.Err, Process: process}
			if !yield(out) {
				return
			}
		}
	}
}

// Names is target.System's: sorted by name, behind them what could not be read.
func (t *Target) Names(dir string) iter.Seq[target.Object] {
	return func(yield func(target.Object) bool) {
		r, err := t.objectReader()
		if err != nil {
			yield(target.Object{Err: err})
			return
		}
		d, err := r.Lookup(dir)
		switch {
		case errors.Is(err, object.ErrNone):
			return
		case err != nil:
			yield(target.Object{Addr: d.Body, Err: err})
			return
		case d.TypeName != "Directory":
			return
		}
		var list, broken []target.Object
		for at, err := range r.Entries(d.Body) {
			if err != nil {
				broken = append(broken, target.Object{Addr: d.Body, Err: err})
				continue
			}
			o, err := r.At(at)
			if err != nil {
				broken = append(broken, target.Object{Addr: at, Name: o.Name, Type: o.TypeName, Err: fmt.Errorf("an entry of the directory at %#x: %w", d.Body, err)})
				continue
			}
			list = append(list, t.object(r, &o))
		}
		slices.SortStableFunc(list, func(a, b target.Object) int {
			return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Addr, b.Addr))
		})
		for _, o := range append(list, broken...) {
			if !yield(o) {
				return
			}
		}
	}
}
