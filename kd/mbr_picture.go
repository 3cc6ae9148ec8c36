package kd

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
)

// canDraw tells whether a file's name is that of a picture, and whether what stands
// there may be replaced.
func canDraw(path string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".svg", ".dot":
	default:
		return fmt.Errorf("%s is no name of a picture, expected one that ends in .svg or .dot", escape.Text(path))
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file and is not replaced", escape.Text(path))
	}
	return nil
}

// draw writes the flow of control to the file, in the language that its name says.
// It returns how many blocks were drawn.
func (m mbrReport) draw() (blocks int, err error) {
	var b bytes.Buffer
	write := m.WriteDOT
	if strings.EqualFold(filepath.Ext(m.picture), ".svg") {
		write = m.WriteSVG
	}
	if err := write(&b); err != nil {
		return 0, err
	}
	if err := os.WriteFile(m.picture, b.Bytes(), 0o666); err != nil {
		return 0, fmt.Errorf("!mbr: writing %s: %w", escape.Text(m.picture), bareError(err))
	}
	return len(m.Boot.Blocks()), nil
}
