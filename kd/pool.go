package kd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdPool = Command{
	Name: "!pool", Args: "Address [Flags]",
	Short: "Show the pool blocks of the page that an address is in.",
	Long: `The block that holds the address is starred. Flags: 1 shows the first bytes of each block, 2 the starred
block alone, 80000000 leaves out what its tag is for. Of the record of a section of ours, the section is
shown: where it is mapped, how much of it was asked for, by whom and, where stacks are recorded
(LPC_STACKS=1), from where.`,
	Needs: target.Pools,
}

func init() { cmdPool.Run = runPool }

// Flags of !pool.
const (
	poolContents = 0x1
	poolAlone    = 0x2
	poolNoNote   = 0x80000000
)

// poolBytes are shown of a block's contents.
const poolBytes = 32

func runPool(ctx context.Context, s *Session, o *Out, args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return fmt.Errorf("usage: !pool %s", cmdPool.Args)
	}
	addr, err := s.address(args[0])
	if err != nil {
		return err
	}
	flags := uint64(0)
	if len(args) > 1 {
		if flags, err = number(args[1]); err != nil {
			return err
		}
		if flags&^(poolContents|poolAlone|poolNoNote) != 0 {
			return fmt.Errorf("!pool: flags %x, expected a sum of 1, 2 and 80000000", flags)
		}
	}
	p, err := s.pooled("!pool")
	if err != nil {
		return err
	}
	w, err := s.look(ctx, 0)
	if err != nil {
		return err
	}
	region, blocks, err := p.PoolPage(addr)
	if len(blocks) == 0 {
		if err == nil {
			err = errors.New("it is in no block")
		}
		return fmt.Errorf("!pool: %s: %w", s.ptr(addr), err)
	}
	if region != "" {
		o.Printf("Pool page %s region is %s\n", s.ptr(addr), escape.Text(region))
	}
	for _, b := range blocks {
		holds := addr-b.Addr < b.Size || b.Body != 0 && b.Body-b.Addr >= b.Size && addr-b.Body < b.Size // special pool: the header stands elsewhere
		if flags&poolAlone != 0 && !holds {
			continue
		}
		mark := " "
		if holds {
			mark = "*"
		}
		s.poolBlock(o, w, b, mark, mark)
		if flags&poolContents != 0 && b.Body != 0 {
			s.blockBytes(o, b)
		}
		if holds && flags&poolNoNote == 0 {
			s.tagLine(o, b)
			s.sectionLines(o, w, b)
		}
	}
	if err != nil {
		o.Printf("Not readable: %s\n", escape.Text(err.Error()))
	}
	return nil
}

// tagLine says what the tag of the block that was asked for stands for.
func (s *Session) tagLine(o *Out, b target.Block) {
	note := s.tagNote(b.Tag)
	if s.windows() != nil {
		e, known := s.tagTable().Find(b.Tag)
		if !b.Allocated {
			return
		}
		if !known {
			o.Printf("\t\tOwning component : Unknown (update pooltag.txt)\n")
			return
		}
		if note = e.Text; e.Binary != "" {
			note += ", Binary : " + e.Binary
		}
	}
	if note != "" {
		o.Printf("\t\tPooltag %s : %s\n", escape.Text(tagText(b.Tag)), escape.Text(note))
	}
}

// blockBytes prints the first bytes of a block.
func (s *Session) blockBytes(o *Out, b target.Block) {
	if b.Body < b.Addr || b.Body-b.Addr > b.Size {
		return
	}
	data := make([]byte, min(b.Size-(b.Body-b.Addr), poolBytes))
	n, err := s.Target.ReadMemory(b.Body, data)
	for line := range slices.Chunk(data[:min(max(n, 0), len(data))], 16) {
		o.Printf("      % x\n", line)
	}
	if err != nil {
		o.Printf("      %s\n", escape.Text(err.Error()))
	}
}

// sectionLines say what a section's record describes.
func (s *Session) sectionLines(o *Out, w *records.World, b target.Block) {
	if !s.reader.Ours(b.Process) || tagText(b.Tag) != "Sect" || !b.Allocated {
		return
	}
	r, err := w.Read(b.Body, "_LPC_SECTION")
	if err != nil || r.U("Size") == 0 {
		return
	}
	o.Printf("\t\tSection %d of port %s: %x bytes mapped at %s\n", r.U("Number"), s.ptr(r.U("Port")), r.U("Size"), s.ptr(r.U("Base")))
	switch {
	case r.U("Mine") != 1:
		o.Printf("\t\tThe other end allocates in it\n")
	case r.U("Blocks") == 0:
		o.Printf("\t\tIt is free\n")
	default:
		tag := [4]byte{}
		copy(tag[:], r.Bytes("UserTag", len(tag)))
		o.Printf("\t\tAllocated: %x bytes under tag %s\n", r.U("Used"), escape.Text(tagText(tag)))
		for _, f := range w.StackAt(r.U("Stack")) {
			o.Printf("\t\t    %s\n", escape.Text(f.String()))
		}
	}
}
