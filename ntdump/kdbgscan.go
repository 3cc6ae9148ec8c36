package ntdump

import (
	"bytes"
	"context"
	"fmt"
)

// scanWindow is how far from the module list's head the kernel's data is searched:
// both stand in the kernel's image, which has less than that.
const scanWindow = 16 << 20

// ScanDebugger looks for the debugger data block where the headers do not tell it:
// first around the head of the module list, which is in the same image, then in all
// physical memory. A block is taken only when it stands where the list it is linked
// into says. It reads the whole dump at worst; ctx ends it. What is found is used
// from then on, and the types are chosen anew.
func (d *Dump) ScanDebugger(ctx context.Context) error {
	if d.Debugger() != nil {
		return nil
	}
	k, err := d.scanVirtual(ctx)
	if k == nil && err == nil && d.phys != nil {
		k, err = d.scanPhysical(ctx)
	}
	if err != nil {
		return fmt.Errorf("searching the debugger data block: %w", err)
	}
	if k == nil {
		return fmt.Errorf("searching the debugger data block: the dump holds none that is intact")
	}
	d.debugger.Store(k)
	if d.Types() == nil {
		d.SetTypes(nil)
	}
	return nil
}

// scanVirtual searches the addresses around the module list, or all of a small
// dump's blocks.
func (d *Dump) scanVirtual(ctx context.Context) (*Debugger, error) {
	where := d.Virtual()
	if d.blocks == nil {
		if d.mode == nil || d.header.Modules == 0 {
			return nil, nil
		}
		at := d.header.Modules &^ (pageBytes - 1)
		from := at - min(at, scanWindow)
		where = []Range{{from, min(2*scanWindow, 0-from)}}
		if d.header.Bits == 32 {
			where[0].Size = min(2*scanWindow, 1<<32-from)
		}
	}
	for _, r := range where {
		// Two pages at a time: a block may cross from one to the next.
		buf := make([]byte, 2*pageBytes)
		for off := uint64(0); off < r.Size; off += pageBytes {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			b := buf[:min(uint64(len(buf)), r.Size-off)]
			n, err := d.ReadMemory(r.Addr+off, b)
			if n == 0 && d.blocks == nil {
				// Most of the window is not mapped: what the same entry stands for is passed over.
				if t, err := d.Translate(Space{}, r.Addr+off); err == nil && t.Absent != nil && t.hole > pageBytes {
					off += t.hole - (r.Addr+off)%t.hole - pageBytes
					continue
				}
			}
			if _, absent := err.(*Absent); err != nil && !absent {
				return nil, err
			}
			for _, i := range tags(b[:n]) {
				at := r.Addr + off + uint64(i)
				if k, err := d.debuggerAt(at); err == nil {
					k.How = "scan of the kernel's image"
					if d.blocks != nil {
						k.How = "scan of the dump's blocks"
					}
					return k, nil
				}
			}
		}
	}
	return nil, nil
}

// tags returns where blocks start whose tag is in b, on boundaries of 8.
func tags(b []byte) []int {
	var out []int
	for i := 0; ; {
		j := bytes.Index(b[i:], []byte("KDBG"))
		if j < 0 {
			return out
		}
		i += j
		if i >= 0x10 && i%8 == 0 {
			out = append(out, i-0x10)
		}
		i += 4
	}
}

// scanPhysical searches physical memory, and finds a block's address by the links
// at its start: they point to the head of a list, which points back to it.
func (d *Dump) scanPhysical(ctx context.Context) (*Debugger, error) {
	buf := make([]byte, max(min(1<<20, d.Pages()*pageBytes), 2*pageBytes)) // Pages is below 2^40
	ptr := d.PointerSize()
	for r, err := range d.Physical() {
		if err != nil {
			return nil, err
		}
		for off := uint64(0); off < r.Size; off += uint64(len(buf)) - pageBytes {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			n, err := d.ReadPhysical(r.Addr+off, buf[:min(uint64(len(buf)), r.Size-off)])
			if _, absent := err.(*Absent); err != nil && !absent {
				return nil, err
			}
			for _, i := range tags(buf[:n]) {
				head := Word(buf[i:], ptr)
				at, err := d.Pointer(Space{}, head)
				if err != nil {
					continue
				}
				tr, err := d.Translate(Space{}, at)
				if err != nil || tr.Absent != nil || tr.Physical != r.Addr+off+uint64(i) {
					continue
				}
				if k, err := d.debuggerAt(at); err == nil {
					k.How = "scan of physical memory"
					return k, nil
				}
			}
			if n < len(buf) {
				break
			}
		}
	}
	return nil, nil
}
