package ntdump

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/isf"
	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/object"
	"github.com/seed-eedd8485/lpc/target"
)

// portTypes are the types of LPC's ports, with the pool tags of their objects.
var portTypes = [...]struct{ name, tag string }{{"Port", "Port"}, {"WaitablePort", "Wait"}}

// maxPorts bounds the ports of a dump.
const maxPorts = 1 << 20

// foundPorts are all ports, and by which way they were found.
type foundPorts struct {
	list []target.Object
	how  string
}

// Ports is target.System's. They are found by the lists of their types. Where the
// kernel was not told to keep those (+otl), they are looked for in the object
// directory, in the handle tables of all processes, by the links of ports to each
// other, and by pool tag; how counts them.
func (t *Target) Ports() (iter.Seq[target.Object], string) {
	r, err := t.objectReader()
	if err != nil {
		return one(target.Object{Err: err}), ""
	}
	if t.ports == nil { // a dump does not change
		t.ports = t.findPorts(r)
	}
	return slices.Values(t.ports.list), t.ports.how
}

// portSearch collects ports.
type portSearch struct {
	t      *Target
	r      *object.Reader
	seen   map[uint64]bool
	need   bool            // not all types keep a list
	types  map[uint64]bool // type objects of what is searched for, as far as known
	found  []target.Object
	broken []target.Object
	ways   []string
}

func (t *Target) findPorts(r *object.Reader) *foundPorts {
	s := &portSearch{t: t, r: r, seen: map[uint64]bool{}, types: map[uint64]bool{}}
	var empty, how []string
	for _, p := range portTypes {
		typ, err := r.TypeObject(p.name)
		if err != nil {
			s.fail(0, fmt.Errorf("the type %s is not found: %w", p.name, err))
			s.need = true
			continue
		}
		count, cerr := r.Count(typ)
		listed, err := r.Listed(typ)
		switch {
		case err != nil:
			s.fail(0, fmt.Errorf("the list of the type %s is not readable: %w", p.name, err))
		case listed:
			n, whole := s.list(typ)
			if cerr == nil && n != int(count) {
				how = append(how, fmt.Sprintf("the type %s counts %d objects, its list holds %d", p.name, count, n))
			}
			if whole {
				continue
			}
		case cerr == nil && count == 0:
			continue
		default:
			empty = append(empty, p.name)
		}
		s.need, s.types[typ] = true, true
	}
	if s.need {
		listed := len(s.found)
		s.search()
		slices.SortFunc(s.found[listed:], func(a, b target.Object) int { return cmp.Compare(a.Addr, b.Addr) })
		if len(empty) > 0 {
			how = append(how, fmt.Sprintf("no list of the objects of type %s is kept (global flag +otl): found %s", strings.Join(empty, ", "), strings.Join(s.ways, ", ")))
		} else {
			how = append(how, "not every type has a whole list: others found "+strings.Join(s.ways, ", "))
		}
	}
	return &foundPorts{append(s.found, s.broken...), strings.Join(how, "; ")}
}

// maxBroken bounds what is told of what could not be read.
const maxBroken = 100

func (s *portSearch) fail(at uint64, err error) {
	if len(s.broken) < maxBroken {
		s.broken = append(s.broken, target.Object{Addr: at, Err: err})
	}
}

// list takes the objects of a type's list, and says how many it has and whether it
// could be followed to its end.
func (s *portSearch) list(typ uint64) (n int, whole bool) {
	whole = true
	for body, err := range s.r.List(typ) {
		if body != 0 {
			n++
		} else {
			whole = false
		}
		if err != nil {
			s.fail(body, err)
			continue
		}
		s.add(body)
	}
	return n, whole
}

// add takes the object at an address if it is a port that was not seen yet.
func (s *portSearch) add(body uint64) bool {
	if s.seen[body] || len(s.seen) == maxPorts {
		return false
	}
	o, err := s.r.At(body)
	if err != nil || !isPortType(o.TypeName) {
		return false
	}
	s.seen[body] = true
	s.found = append(s.found, s.t.object(s.r, &o))
	return true
}

func isPortType(name string) bool {
	return slices.ContainsFunc(portTypes[:], func(p struct{ name, tag string }) bool { return p.name == name })
}

// search looks everywhere for ports whose types keep no list.
func (s *portSearch) search() {
	way := func(name string, f func()) {
		before := len(s.found)
		f()
		if n := len(s.found) - before; n > 0 || name != "by their links" {
			s.ways = append(s.ways, fmt.Sprintf("%d %s", n, name))
		}
	}
	way("by the object directory", s.directories)
	way("by handle tables", s.tables)
	way("by their links", s.links)
	if why := s.t.Lacks(target.Pools); why != "" {
		s.ways = append(s.ways, "none by pool tag ("+why+")")
		return
	}
	for _, p := range portTypes {
		way("by pool tag "+p.tag, func() { s.pool(p.tag) })
	}
}

// directories walks the namespace.
func (s *portSearch) directories() {
	root, err := s.r.Root()
	if err != nil {
		s.fail(0, err)
		return
	}
	seen := map[uint64]bool{root: true}
	for todo := []uint64{root}; len(todo) > 0; {
		dir := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for at, err := range s.r.Entries(dir) {
			if err != nil {
				s.fail(0, err)
				continue
			}
			o, err := s.r.At(at)
			switch {
			case err != nil:
				s.fail(0, fmt.Errorf("an entry of the directory at %#x: %w", dir, err))
			case o.TypeName == "Directory" && !seen[at] && len(seen) < maxPorts:
				seen[at] = true
				todo = append(todo, at)
			case isPortType(o.TypeName):
				s.add(at)
			}
		}
	}
}

// tables looks into the handle tables of all processes.
func (s *portSearch) tables() {
	for p := range s.t.Processes() {
		if p.Addr == 0 {
			continue
		}
		table, err := s.r.Table(p.Addr)
		if err != nil {
			continue // one that has ended has none
		}
		for h := range table.Handles() {
			switch {
			case h.Err != nil:
				s.fail(0, h.Err)
			case h.Body != 0:
				s.add(h.Body)
			}
		}
	}
}

// links follows ports to those that they name.
func (s *portSearch) links() {
	for i := 0; i < len(s.found); i++ {
		for _, member := range []string{"ConnectionPort", "ConnectedPort"} {
			if at, err := s.t.d.Member(s.found[i].Addr, "_LPCP_PORT_OBJECT", member); err == nil && at != 0 {
				s.add(at)
			}
		}
	}
}

// pool looks for headers of ports in the blocks with their tag: which parts stand
// before an object's header, the block does not tell.
func (s *portSearch) pool(tag string) {
	place, ok := s.header()
	if !ok {
		return
	}
	for _, o := range s.found {
		s.types[o.TypeAddr] = true
	}
	for b := range s.t.Blocks(tag) {
		if b.Err != nil {
			s.fail(0, fmt.Errorf("pool tag %s: %w", tag, b.Err))
			continue
		}
		if !b.Allocated || b.Size > maxPortBlock {
			continue
		}
		data := make([]byte, b.Addr+b.Size-b.Body)
		n, _ := s.t.d.ReadVirtual(nt.Space{}, b.Body, data)
		ptr := s.t.PointerSize()
		for off := 0; off+place.typ+ptr <= n; off += ptr {
			if s.types[nt.Word(data[off+place.typ:], ptr)] && s.add(b.Body+uint64(off+place.body)) {
				break
			}
		}
	}
}

// maxPortBlock is more than an object header with all its parts and a port take.
const maxPortBlock = 0x1000

// header is where an object's header names its type, and where the body begins. ok is
// false for headers that name it otherwise: no kernel with LPC ports has them.
func (s *portSearch) header() (place struct{ typ, body int }, ok bool) {
	types := s.t.d.Types()
	l := types.Layout("_OBJECT_HEADER")
	if l == nil {
		return place, false
	}
	typ, err := isf.Find(types, l, "Type")
	body, err2 := isf.Find(types, l, "Body")
	place.typ, place.body = typ.Offset, body.Offset
	return place, err == nil && err2 == nil && typ.Offset >= 0 && body.Offset >= 0
}
