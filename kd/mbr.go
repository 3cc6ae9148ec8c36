package kd

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/seed-eedd8485/lpc/bootsec"
	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdMbr = Command{
	Name: "!mbr", Args: "[Address] [--against File] [-o File]",
	Short: "Read a boot sector: partitions and what is wrong with them, the boot code and what it does.",
	Long: `Of a disk, without an address: the partition table with all that hangs on it (the extended chain, both
GPT headers, the boot records of the volumes), every finding in a sentence, which known boot code it is,
what the code does, and the code taken apart as its flow of control goes, from 0000:7c00 on.

With an address: the 512 bytes there, scratch among them, as sector 0 alone. So any target will do:
.readmem boot.bin 0:7c00 L200; !mbr 0:7c00.

--against File: instead, the bytes in which the sector differs from the file's first, and the
instructions that they belong to. -o File: instead, the flow of control is drawn into the file, which is
replaced: .svg, or .dot for Graphviz.`,
}

func init() {
	cmdMbr.Run = func(_ context.Context, s *Session, o *Out, args []string) error {
		m, err := s.mbr(args)
		if err != nil {
			return err
		}
		for _, part := range m.parts() {
			var b bytes.Buffer
			if err := part(&b); err != nil {
				return err
			}
			for line := range strings.Lines(b.String()) {
				o.Printf("%s\n", escape.Text(strings.TrimSuffix(line, "\n")))
			}
		}
		return nil
	}
	cmdMbr.JSON = func(_ context.Context, s *Session, args []string) (any, error) {
		m, err := s.mbr(args)
		if err != nil {
			return nil, err
		}
		return m.value()
	}
}

// mbrReport is what !mbr found, and what it was asked to show of it.
type mbrReport struct {
	*bootsec.Report
	against *openFile // nil: not asked for
	picture string
}

const mbrUsage = "!mbr [Address] [--against File] [-o File]"

// mbr reads the boot sector that args name.
func (s *Session) mbr(args []string) (m mbrReport, err error) {
	addr, against, rest, err := "", "", args, error(nil)
	for len(rest) > 0 {
		word := rest[0]
		rest = rest[1:]
		into := &addr
		switch {
		case word == "-o":
			into = &m.picture
		case word == "--against" || word == "-against":
			into = &against
		case strings.HasPrefix(word, "-"):
			return m, fmt.Errorf("!mbr: %s is not understood; usage: %s", escape.Text(word), mbrUsage)
		}
		if into != &addr {
			if len(rest) == 0 {
				return m, fmt.Errorf("!mbr: %s needs a file; usage: %s", escape.Text(word), mbrUsage)
			}
			word, rest = rest[0], rest[1:]
		}
		if *into != "" || word == "" {
			return m, fmt.Errorf("!mbr: %s is too much; usage: %s", escape.Text(word), mbrUsage)
		}
		*into = word
	}
	if m.picture != "" {
		if err := canDraw(m.picture); err != nil {
			return m, fmt.Errorf("!mbr: %w", err)
		}
	}
	r, size, err := s.bootSector(addr)
	if err != nil {
		return m, fmt.Errorf("!mbr: %w", err)
	}
	if m.Report, err = bootsec.Analyze(r, size); err != nil {
		return m, fmt.Errorf("!mbr: %w", err)
	}
	if against != "" {
		data, err := readSector(against)
		if err != nil {
			return m, fmt.Errorf("!mbr: %w", err)
		}
		m.against = &openFile{escape.Text(against), data}
	}
	return m, nil
}

// openFile is a file's first sector.
type openFile struct {
	name string
	data []byte
}

// bootSector is the disk, or the sector at an address.
func (s *Session) bootSector(word string) (io.ReaderAt, int64, error) {
	if word == "" {
		if d, ok := s.Target.(target.Sectors); ok {
			r, size := d.Sectors()
			return r, size, nil
		}
		return nil, 0, fmt.Errorf("this target is no disk: lay a boot sector somewhere (.readmem) and give its address")
	}
	addr, err := s.address(word)
	if err != nil {
		return nil, 0, err
	}
	data := make([]byte, bootBytes)
	if n, err := s.readMemory(addr, data); n < len(data) {
		return nil, 0, fmt.Errorf("a boot sector has %#x bytes, %#x are there: %s", bootBytes, n, escape.Text(absence(addr+uint64(n), err).Error()))
	}
	return bytes.NewReader(data), bootBytes, nil
}

// parts are what is to be printed, in order.
func (m mbrReport) parts() (list []func(io.Writer) error) {
	if m.against != nil {
		list = append(list, func(w io.Writer) error {
			return m.WriteAgainst(w, bytes.NewReader(m.against.data), int64(len(m.against.data)), m.against.name)
		})
	}
	if m.picture != "" {
		list = append(list, func(w io.Writer) error {
			blocks, err := m.draw()
			if err == nil {
				fmt.Fprintf(w, "%s: %d instructions in %d blocks\n", escape.Text(m.picture), len(m.Boot.Nodes), blocks)
			}
			return err
		})
	}
	if len(list) == 0 {
		list = append(list, m.WriteText)
	}
	return list
}

// mbrDifference is one run of bytes that differ, for scripts.
type mbrDifference struct {
	Offset int    `json:"offset"`
	Here   string `json:"here"` // hex
	There  string `json:"there"`
}

// value is the report as scripts read it: all of it, the differences and the picture
// beside it where they were asked for.
func (m mbrReport) value() (any, error) {
	v := struct {
		*bootsec.Report
		Against     string          `json:"against,omitempty"`
		Differences []mbrDifference `json:"differences,omitempty"`
		Picture     string          `json:"picture,omitempty"`
	}{Report: m.Report}
	if m.against != nil {
		v.Against, v.Differences = m.against.name, []mbrDifference{}
		list, err := m.Report.Against(bytes.NewReader(m.against.data), int64(len(m.against.data)), m.against.name)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			v.Differences = append(v.Differences, mbrDifference{d.Offset, hex.EncodeToString(d.Here), hex.EncodeToString(d.There)})
		}
	}
	if m.picture != "" {
		if _, err := m.draw(); err != nil {
			return nil, err
		}
		v.Picture = m.picture
	}
	return v, nil
}
