package ntdump

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// A sweep says of every page what ReadPhysical says, of a file and of a source that is no
// mapping, whole and cut short within a page, however many pages are asked for at once.
func TestSweep(t *testing.T) {
	for _, form := range []dumptest.Kind{dumptest.Full, dumptest.BitmapKernel} {
		m := dumptest.New(dumptest.X64)
		m.Alloc(70 * pageBytes)
		data := m.Dump(form)
		for _, size := range []int{len(data), len(data) - pageBytes - 100} {
			path := filepath.Join(t.TempDir(), "MEMORY.DMP")
			if err := os.WriteFile(path, data[:size], 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			other, err := New(bytes.NewReader(data[:size]), int64(size))
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range []*Dump{file, other} {
				for _, pages := range []uint64{1, 7, 1 << 30} {
					sameAsRead(t, d, pages)
				}
			}
		}
	}
}

// sameAsRead compares a sweep with ReadPhysical, up to some pages behind the last one.
func sameAsRead(t *testing.T, d *Dump, pages uint64) {
	t.Helper()
	v := d.Sweep()
	defer v.Close()
	err := v.Run(func() error {
		want := make([]byte, pageBytes)
		for pa := uint64(0); pa < (d.phys.end()+3)*pageBytes; {
			b, err := v.Physical(pa, pages)
			if uint64(len(b)) > pages*pageBytes || len(b)%pageBytes != 0 || (err == nil) != (len(b) > 0) {
				t.Fatalf("%#x: %d bytes, %v; %d pages were asked for", pa, len(b), err, pages)
			}
			for first := true; first || len(b) > 0; first = false {
				n, err2 := d.ReadPhysical(pa, want)
				var a, a2 *Absent
				if errors.As(err, &a) {
					if !errors.As(err2, &a2) || a.Reason != a2.Reason || n == pageBytes {
						t.Fatalf("%#x: %v, ReadPhysical says %v", pa, err, err2)
					}
				} else if err != nil || err2 != nil || !bytes.Equal(b[:pageBytes], want) {
					t.Fatalf("%#x: %v, ReadPhysical says %v; the same bytes: %v", pa, err, err2, len(b) >= pageBytes && bytes.Equal(b[:pageBytes], want))
				}
				pa += pageBytes
				if len(b) > 0 {
					b = b[pageBytes:]
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A file that is cut while it is open ends a sweep's job with a sentence; a panic of the
// job's own passes through.
func TestSweepOfAFileThatIsCut(t *testing.T) {
	m := dumptest.New(dumptest.X64)
	m.Alloc(70 * pageBytes)
	path := filepath.Join(t.TempDir(), "MEMORY.DMP")
	if err := os.WriteFile(path, m.Dump(dumptest.Full), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	v := d.Sweep()
	defer v.Close()
	if err := os.Truncate(path, 3*pageBytes); err != nil {
		t.Fatal(err)
	}
	pa := uint64(0)
	for r, err := range d.Physical() {
		if err != nil {
			t.Fatal(err)
		}
		pa = r.Addr + r.Size - pageBytes
	}
	sum := byte(0)
	err = v.Run(func() error {
		b, err := v.Physical(pa, 1)
		for _, x := range b {
			sum += x
		}
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "dump file at offset") && !strings.Contains(err.Error(), "the file could not be read at offset") {
		t.Errorf("%v, sum %d", err, sum)
	}
	for _, own := range []func() error{func() error { panic("own") }, func() error { var p *Sweep; p.pa++; return nil }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic did not pass through")
				}
			}()
			_ = v.Run(own)
		}()
	}
}
