package lpcpool

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target"
)

// Names is target.System's. The namespace is the names of the connection ports in
// the pools: its directories are no objects of anybody's and have no address. A
// port that has given its name up is not in it. Names are compared without case.
func (v *View) Names(dir string) iter.Seq[target.Object] {
	return func(yield func(target.Object) bool) {
		dir = strings.Trim(dir, `\`)
		var here, broken []target.Object
		seen := map[string]bool{}
		ports, _ := v.Ports()
		for o := range ports {
			if o.Path == "" {
				if o.Err != nil {
					broken = append(broken, o)
				}
				continue
			}
			rest, ok := below(strings.Trim(o.Path, `\`), dir)
			if !ok || v.nameGone(o) {
				continue
			}
			if name, _, deeper := strings.Cut(rest, `\`); deeper {
				if key := strings.ToLower(name); !seen[key] {
					seen[key] = true
					here = append(here, target.Object{Type: "Directory", Name: name, Path: join(dir, name)})
				}
				continue
			}
			here = append(here, o)
		}
		slices.SortStableFunc(here, func(a, b target.Object) int {
			return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Addr, b.Addr))
		})
		for _, o := range append(here, broken...) {
			if !yield(o) {
				return
			}
		}
	}
}

func join(dir, name string) string {
	if dir == "" {
		return `\` + name
	}
	return `\` + dir + `\` + name
}

// below is the rest of a path behind a directory.
func below(path, dir string) (rest string, ok bool) {
	if dir == "" {
		return path, path != ""
	}
	for at := 0; ; {
		i := strings.IndexByte(path[at:], '\\')
		if i < 0 {
			return "", false
		}
		if strings.EqualFold(path[:at+i], dir) {
			rest = path[at+i+1:]
			return rest, rest != ""
		}
		at += i + 1
	}
}

// nameGone tells whether a port has given up its name.
func (v *View) nameGone(o target.Object) bool {
	if o.Err != nil {
		return false
	}
	p := v.pools[uint32(o.Addr>>poolShift)]
	if p == nil {
		return false
	}
	flags, _ := p.record("_LPCP_PORT_OBJECT", o.Addr).u64("Flags")
	return flags&pool.PortNameDeleted != 0
}
