package holdings

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
)

// A counter passes over the blocks once.
type counter struct {
	*records.World
	started  map[uint64]uint64 // by process's address
	owners   map[uint64]string // names of ports, by the addresses that lead to them
	held     map[Holder]*Holding
	granted  map[quotaKey]*Quota
	troubles []string
	more     int
}

type quotaKey struct {
	port uint64
	uid  uint32
}

func (c *counter) trouble(text string) {
	if len(c.troubles) == maxTrouble {
		c.more++
		return
	}
	c.troubles = append(c.troubles, text)
}

// sectionTag is that of the records of sections.
var sectionTag = [4]byte{'S', 'e', 'c', 't'}

func (c *counter) count(ctx context.Context) error {
	n := 0
	for b := range c.T.System().Blocks("") {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if b.Err != nil {
			if p := c.Process(b.Process); p == nil || p.Err == nil {
				c.trouble(fmt.Sprintf("pool block at %#x: %v", b.Addr, b.Err))
			}
			continue
		}
		if !b.Allocated {
			continue
		}
		h := Holder{Tag: b.Tag, Port: c.owner(b.Owner)}
		if b.Tag == sectionTag {
			if port, ok := c.section(b); ok {
				h.Port = port
			}
		}
		c.add(b, h, b.Size, 0)
	}
	return nil
}

// add counts one allocation. b says which process's, and whether paged.
func (c *counter) add(b target.Block, h Holder, bytes, asked uint64) {
	p := c.Process(b.Process)
	if p != nil {
		h.Process = p.ID
	}
	h.Started, h.Paged = c.started[b.Process], b.Paged
	e := c.held[h]
	if e == nil {
		e = &Holding{Holder: h}
		if p != nil {
			e.Image = p.Image
		}
		c.held[h] = e
	}
	e.Blocks++
	e.Bytes += bytes
	e.Asked += asked
}

// mostOwners bounds the steps from a block to the port that it belongs to: a stack
// belongs to a section, that to a port.
const mostOwners = 4

// owner is the name of the port that a block belongs to by its owner's address.
func (c *counter) owner(addr uint64) string {
	name, known := c.owners[addr]
	if !known {
		name = c.portOf(addr)
		c.owners[addr] = name
	}
	return name
}

func (c *counter) portOf(addr uint64) string {
	for range mostOwners {
		if p := c.PortAt[addr]; p != nil {
			return p.Name()
		}
		if addr == 0 {
			break
		}
		if o, err := c.T.System().Object(addr); err != nil || o.Type != "Section" {
			break
		}
		s, err := c.Read(addr, "_LPC_SECTION")
		if err != nil {
			break
		}
		addr = s.U("Port")
	}
	return ""
}

// section counts the section that a record describes, at the end that allocates in
// it; and what a port granted. It names the port. ok is false for a block that is no
// record, or cannot be read.
func (c *counter) section(b target.Block) (port string, ok bool) {
	r, err := c.Read(b.Body, "_LPC_SECTION")
	if err != nil {
		c.trouble(err.Error())
		return "", false
	}
	size := r.U("Size")
	at := r.U("Port")
	port = c.owner(at)
	if size == 0 {
		return port, true // it is being made
	}
	c.grant(b, at, size)
	if r.U("Mine") != 1 || r.U("Blocks") == 0 {
		return port, true
	}
	h := Holder{Tag: sectionTag, Port: port, Large: true}
	if tag := r.Bytes("UserTag", len(h.Tag)); len(tag) == len(h.Tag) && [4]byte(tag) != ([4]byte{}) {
		h.Tag = [4]byte(tag)
	}
	if frames := c.StackAt(r.U("Stack")); len(frames) > 0 {
		h.Caller = frames[0].Short()
	}
	b.Paged = true // section memory is not locked
	c.add(b, h, size, r.U("Used"))
	return port, true
}

// grant adds a section to what its port granted: sections stand in the account of the
// process that made them, the server.
func (c *counter) grant(b target.Block, at, size uint64) {
	p := c.PortAt[at]
	if p == nil || p.Kind != records.ServerComm {
		return
	}
	server := p.Server()
	if server == nil || server.Process != p.Process {
		return
	}
	r, err := c.Read(at, "_LPCP_PORT_OBJECT")
	if err != nil {
		return
	}
	k := quotaKey{server.Addr, uint32(r.U("PeerUID"))}
	q := c.granted[k]
	if q == nil {
		q = &Quota{Process: p.Process, Port: server.Name(), UID: k.uid}
		if r, err := c.Read(server.Addr, "_LPCP_PORT_OBJECT"); err == nil {
			q.Limit = r.U("MaxSectionBytes")
		}
		if o := c.Process(b.Process); o != nil {
			q.Image = o.Image
		}
		c.granted[k] = q
	}
	q.Granted += size
}
