package disk

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "opening " + filepath.Join(dir, "none") + ": no such file or directory",
		dir:                        "it is a directory, " + expected,
		fifo:                       "it is a pipe, " + expected, // and does not wait for a writer
		"/dev/null":                "it is a character device, " + expected,
		write(t, nil):              "it is empty, " + expected,
	} {
		d, err := Open(path)
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
		if d != nil {
			_ = d.Close()
		}
	}
}

// A block device has a size that stat does not tell. Where none may be read, the
// modes are all that is tested.
func TestDevice(t *testing.T) {
	for m, want := range map[fs.FileMode]bool{fs.ModeDevice: true, fs.ModeDevice | fs.ModeCharDevice: false, 0: false, fs.ModeDir: false, fs.ModeNamedPipe: false} {
		if IsDevice(m) != want {
			t.Errorf("%v: %v", m, !want)
		}
	}
	list, _ := filepath.Glob("/sys/class/block/*/size")
	for _, size := range list {
		text, err := os.ReadFile(size)
		if err != nil || strings.TrimSpace(string(text)) == "0" {
			continue
		}
		path := filepath.Join("/dev", filepath.Base(filepath.Dir(size)))
		d, err := Open(path)
		if err != nil {
			t.Logf("%s: %v", path, err)
			continue
		}
		defer d.Close()
		if d.kind != device || d.size < SectorBytes || !strings.HasPrefix(d.Describe(), "block device "+path) {
			t.Errorf("%s: %s of %d bytes", path, d.kind, d.size)
		}
		if n, err := d.ReadMemory(LoadAddress, make([]byte, SectorBytes)); n != SectorBytes {
			t.Errorf("%s: %d bytes of sector 0: %v", path, n, err)
		}
		return
	}
	t.Log("no block device may be read here")
}
