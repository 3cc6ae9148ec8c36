package kd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/target"
)

const (
	bootAddress = 0x7c00 // where a BIOS lays sector 0
	bootBytes   = 512    // of a sector, as the BIOS and the table of a boot record count
)

var (
	cmdSector = Command{
		Name: "!sector", Args: "LBA [Lcount]", Needs: target.Disk,
		Short: "Show sectors of a disk as bytes and characters.",
		Long: `Sectors have 512 bytes and count from 0. Numbers are hexadecimal: a start that !mbr printed is decimal,
0n2048. The addresses shown are offsets from the disk's first byte.`,
	}
	cmdReaddisk = Command{
		Name: ".readdisk", Args: "LBA Address [Lcount]", Needs: target.Disk,
		Short: "Lay sectors of a disk over memory as scratch, as boot code would have them read (int 13h).",
		Long: `.readdisk 0n2048 0:7c00; ur 0:7c00 shows what the boot code of a partition that begins there does. LBA is
the first sector, of 512 bytes, hexadecimal; one is read unless told. The disk is not written.`,
	}
)

func init() {
	cmdSector.Run = runSector
	cmdReaddisk.Run = runReaddisk
}

func runSector(ctx context.Context, s *Session, o *Out, args []string) error {
	if len(args) == 0 {
		return errors.New("!sector: a sector's number is expected; usage: !sector LBA [Lcount]")
	}
	lba, data, err := s.sectors(args[0], args[1:])
	if err != nil {
		return fmt.Errorf("!sector: %w", err)
	}
	there := make([]bool, 16)
	for i := range there {
		there[i] = true
	}
	for i := 0; i < len(data); i += 16 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if i%bootBytes == 0 {
			n := lba + uint64(i/bootBytes)
			o.Printf("Sector %x (0n%d):\n", n, n)
		}
		row := data[i:min(i+16, len(data))]
		o.Printf("%s ", offsetText(lba*bootBytes+uint64(i)))
		for j, c := range row {
			sep := " "
			if j == 8 {
				sep = "-"
			}
			o.Printf("%s%02x", sep, c)
		}
		o.Printf("%s  %s\n", strings.Repeat("   ", 16-len(row)), charsText(row, there))
	}
	return nil
}

func runReaddisk(_ context.Context, s *Session, o *Out, args []string) error {
	if len(args) < 2 {
		return errors.New(".readdisk: a sector's number and an address are expected; usage: .readdisk LBA Address [Lcount]")
	}
	addr, err := s.address(args[1])
	if err != nil {
		return fmt.Errorf(".readdisk: %w", err)
	}
	lba, data, err := s.sectors(args[0], args[2:])
	if err != nil {
		return fmt.Errorf(".readdisk: %w", err)
	}
	if err := s.layOver(o, addr, data, fmt.Sprintf("sector %x of the disk", lba)); err != nil {
		return fmt.Errorf(".readdisk: %w", err)
	}
	return nil
}

// maxSectors bounds how much of a disk one command reads.
const maxSectors = maxUnits / bootBytes

// sectors reads sectors of the disk: the first by its number in word, and as many as
// the range says, one without. The last one of a file may be cut short.
func (s *Session) sectors(word string, args []string) (lba uint64, data []byte, err error) {
	d, ok := s.Target.(target.Sectors)
	if !ok {
		return 0, nil, errors.New("this target gives no sectors")
	}
	if lba, err = number(word); err != nil {
		return 0, nil, err
	}
	count := uint64(1)
	if len(args) > 0 {
		text, ok := strings.CutPrefix(strings.ToUpper(strings.Join(args, "")), "L")
		if len(args) > 2 || !ok {
			return 0, nil, fmt.Errorf("%s is not understood, expected L and a count of sectors", escape.Text(strings.Join(args, " ")))
		}
		if count, err = number(text); err != nil {
			return 0, nil, err
		}
	}
	if count == 0 || count > maxSectors {
		return 0, nil, fmt.Errorf("%#x sectors, expected 1 to %#x", count, maxSectors)
	}
	r, size := d.Sectors()
	all := (uint64(max(size, 0)) + bootBytes - 1) / bootBytes
	if lba >= all || count > all-lba {
		return 0, nil, fmt.Errorf("the disk has %#x sectors (0n%d), numbered from 0: %#x of them from %#x on are not there", all, all, count, lba)
	}
	data = make([]byte, min(count*bootBytes, uint64(size)-lba*bootBytes))
	n, err := r.ReadAt(data, int64(lba*bootBytes))
	if n < len(data) {
		if err == io.EOF {
			err = errors.New("the file became shorter")
		}
		return 0, nil, fmt.Errorf("reading the disk at offset %#x: %w", lba*bootBytes+uint64(n), bareError(err))
	}
	return lba, data, nil
}

// readSector reads the first sector of a file that is no target, or all of one that
// is shorter.
func readSector(path string) ([]byte, error) {
	data, err := readUpTo(path, bootBytes)
	if err == nil && len(data) == 0 {
		err = fmt.Errorf("%s is empty, expected a disk or its sector 0", escape.Text(path))
	}
	return data, err
}

// offsetText is an offset of a disk, in the shape of an address.
func offsetText(off uint64) string { return fmt.Sprintf("%08x`%08x", off>>32, uint32(off)) }
