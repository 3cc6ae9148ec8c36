package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/signal"

	"github.com/seed-eedd8485/lpc/kd"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/disk"
)

// mbrCmd is lpc mbr: lpc kd -z FILE -c !mbr, but for a file that is opened as a disk
// whatever its first bytes are.
type mbrCmd struct {
	File    string `arg:"" name:"file" help:"A disk image, a block device, or a dump of sector 0."`
	Against string `name:"against" placeholder:"FILE" help:"Show instead in which bytes the boot sector differs from FILE's first."`
	Out     string `short:"o" name:"output" placeholder:"FILE" help:"Draw instead the boot code's flow of control: FILE.svg, or FILE.dot for Graphviz."`
	JSON    bool   `name:"json" help:"One JSON object instead of text."`
}

// Run prints the report.
func (m *mbrCmd) Run() error {
	t, err := disk.Open(m.File)
	if err != nil {
		return err
	}
	defer func() { _ = t.Close() }()
	words := []string{"!mbr"}
	if m.Against != "" {
		words = append(words, "--against", m.Against)
	}
	if m.Out != "" {
		words = append(words, "-o", m.Out)
	}
	s := kd.NewSession(t)
	s.JSON = m.JSON
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := bufio.NewWriter(os.Stdout)
	err = s.RunWords(ctx, out, words...)
	return errors.Join(err, out.Flush())
}

// openFile opens what kd -z names. A block device is a disk, whatever stands in it.
func openFile(path string) (target.Target, error) {
	if info, err := os.Stat(path); err == nil && disk.IsDevice(info.Mode()) {
		return disk.Format.Open(path)
	}
	return formats.Open(path)
}
