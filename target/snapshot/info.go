package snapshot

import (
	"time"

	"github.com/seed-eedd8485/lpc/target"
)

// Info says where and when a snapshot was taken.
type Info struct {
	Taken     time.Time `json:"taken"`     // wall clock
	BootID    string    `json:"boot_id"`   // /proc/sys/kernel/random/boot_id: the same as long as the machine runs
	System    string    `json:"system"`    // uname(2): "Linux"
	Host      string    `json:"host"`      // nodename
	Release   string    `json:"release"`   // of the kernel
	Machine   string    `json:"machine"`   // "x86_64"
	Processes int       `json:"processes"` // how many process chunks follow
}

// process is a process chunk. The pool number stands in the chunk's header.
type process struct {
	ID      uint32    `json:"pid"`
	Parent  uint32    `json:"parent,omitempty"`
	Image   string    `json:"image,omitempty"`
	Start   time.Time `json:"start,omitzero"`
	Error   string    `json:"error,omitempty"` // why it could not be looked into
	Ports   []port    `json:"ports,omitempty"` // of one that could not
	Extents int       `json:"extents"`         // how many there were when the process chunk was written
}

type port struct {
	Type string `json:"type"`
	Name string `json:"name"`
	Path string `json:"path"`
}

func (p *process) objects() (l []target.Object) {
	for _, o := range p.Ports {
		l = append(l, target.Object{Type: o.Type, Name: o.Name, Path: o.Path})
	}
	return l
}
