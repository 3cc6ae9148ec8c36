package bootsec

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/bin"
	"github.com/seed-eedd8485/lpc/bootsec/boottest"
	"github.com/seed-eedd8485/lpc/bootsec/partition"
	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/needs"
)

// disk is a sound image of 2 MiB with our own boot code: an active FAT32
// partition with its boot record, and one behind it.
func disk(t testing.TB) []byte {
	d := make([]byte, 2<<20)
	copy(d, boottest.Code("standard"))
	binary.LittleEndian.PutUint32(d[0x1b8:], 0x0badcafe)
	entry := func(i int, status, kind byte, first, last [3]byte, start, sectors uint32) {
		e := d[0x1be+16*i:]
		e[0], e[4] = status, kind
		copy(e[1:], first[:])
		copy(e[5:], last[:])
		binary.LittleEndian.PutUint32(e[8:], start)
		binary.LittleEndian.PutUint32(e[12:], sectors)
	}
	entry(0, 0x80, 0x0b, [3]byte{1, 1, 0}, [3]byte{32, 0x20, 0}, 63, 1985)    // 0/1/1 to 0/32/32
	entry(1, 0x00, 0x83, [3]byte{32, 0x21, 0}, [3]byte{65, 1, 0}, 2048, 2048) // 0/32/33 to 0/65/1
	copy(d[510:], []byte{0x55, 0xaa})
	v := d[63*512:]
	copy(v, "\xeb\x58\x90LPCTESTS\x00\x02\x01\x20\x00\x02\x00\x00\x00\x00\xf8\x00\x00\x3f\x00\xff\x00\x3f\x00\x00\x00\xc1\x07")
	copy(v[0x47:], "BOOT       FAT32   ")
	copy(v[510:], []byte{0x55, 0xaa})
	return d
}

func report(t testing.TB, data []byte) *Report {
	t.Helper()
	r, err := Analyze(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The whole report of a sound disk, as text and as JSON.
func TestDisk(t *testing.T) {
	r := report(t, disk(t))
	if r.Kind != Disk || len(r.Table.Findings) > 0 || r.Table.Scheme != partition.DOS {
		t.Errorf("%s, %s, findings %q", r.Kind, r.Table.Scheme, r.Table.Findings)
	}
	var b bytes.Buffer
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	golden.Text(t, "disk.txt", b.String())
	j, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Kind  string `json:"kind"`
		Table struct {
			Partitions []struct {
				Start uint64 `json:"start"`
			} `json:"partitions"`
		} `json:"table"`
		Boot struct {
			Verdict      []string `json:"verdict"`
			Instructions []struct {
				Address string `json:"address"`
			} `json:"instructions"`
		} `json:"boot"`
	}
	if err := json.Unmarshal(j, &back); err != nil {
		t.Fatal(err)
	}
	if back.Kind != "disk" || len(back.Table.Partitions) != 2 || back.Table.Partitions[0].Start != 63 || len(back.Boot.Verdict) != 6 || back.Boot.Instructions[0].Address != "0000:061e" {
		t.Errorf("read back: %+v", back)
	}
}

// The same sector as a dump, as code alone, and as the boot record of a volume.
func TestKinds(t *testing.T) {
	d := disk(t)
	volume := bytes.Clone(d[63*512:])
	for _, c := range []struct {
		name   string
		data   []byte
		kind   Kind
		scheme partition.Scheme
		table  bool
		says   string
	}{
		{"disk", d, Disk, partition.DOS, true, "finds the active partition"},
		{"sector", d[:512], Sector, partition.DOS, true, "finds the active partition"},
		{"code", d[:440], Code, partition.None, true, "finds the active partition"},
		{"one byte", d[:1], Code, partition.None, true, ""},
		{"volume", volume, Disk, partition.Volume, false, "reads nothing"},
		{"no table", append(boottest.Code("nodisk"), make([]byte, 512)...), Disk, partition.DOS, true, "boots anew through int 19h"},
	} {
		r := report(t, c.data)
		if r.Kind != c.kind || r.Table.Scheme != c.scheme || r.Boot.Table != c.table || !strings.Contains(strings.Join(r.Boot.Verdict, " "), c.says) {
			t.Errorf("%s: kind %s, scheme %s, table %v, %q", c.name, r.Kind, r.Table.Scheme, r.Boot.Table, r.Boot.Verdict)
		}
	}
}

func TestWriteBytes(t *testing.T) {
	var b bytes.Buffer
	if err := report(t, disk(t)[:440]).WriteBytes(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	first := "0000:7c00  fa 31 c0 8e d0 bc 00 7c-8e d8 8e c0 fb fc be 00  .1.....|........"
	last := "0000:7db0  00 00 00 00 00 00 00 00                          ........"
	if len(lines) != 28 || lines[0] != first || lines[27] != last {
		t.Errorf("%d lines,\n%s\n%s, want\n%s\n%s", len(lines), lines[0], lines[len(lines)-1], first, last)
	}
}

func TestAgainst(t *testing.T) {
	d := disk(t)
	other := bytes.Clone(d[:512])
	other[0x24], other[0x1be] = 0x90, 0
	var b bytes.Buffer
	if err := report(t, d).WriteAgainst(&b, bytes.NewReader(other), 512, "saved.bin"); err != nil {
		t.Fatal(err)
	}
	want := "2 bytes in 2 places differ from saved.bin:\n024  f6                      | 90\n     in 0000:0624 test    byte ptr [si],80h\n1be  80                      | 00\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	list, err := report(t, d).Against(bytes.NewReader(other), 512, "saved.bin")
	if err != nil || len(list) != 2 || list[0].Offset != 0x24 || list[0].There[0] != 0x90 || list[1].Offset != 0x1be {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := report(t, d).Against(bytes.NewReader(nil), 0, "empty.bin"); err == nil {
		t.Error("an empty file is compared with")
	}
	err = report(t, d).WriteAgainst(&b, bytes.NewReader(nil), 0, "empty.bin")
	if err == nil || err.Error() != "comparing boot sectors: empty.bin is empty, expected a disk or its sector 0" {
		t.Errorf("empty file: %v", err)
	}
}

// broken fails on every read.
type broken struct{}

func (broken) ReadAt([]byte, int64) (int, error) { return 0, errors.New("input/output error") }

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		r    io.ReaderAt
		size int64
		want string
	}{
		{broken{}, 512, "analysing boot sector: reading partition table: reading boot sector of sector 0 at offset 0x0: input/output error"},
		{bytes.NewReader(nil), 0, "analysing boot sector: reading partition table: the file is empty, expected a disk or its sector 0 of 512 bytes"},
		{bytes.NewReader(make([]byte, 100)), 512, "analysing boot sector: reading partition table: reading boot sector of sector 0 at offset 0x0: 512 bytes expected, 100 left"},
	} {
		_, err := Analyze(c.r, c.size)
		if err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	var e *bin.Error
	if _, err := Analyze(broken{}, 512); !errors.As(err, &e) || e.Offset != 0 {
		t.Errorf("the reader's error is lost: %v", err)
	}
}

// Debian's boot code on a disk that sfdisk has partitioned: the whole way.
func TestShippedOnSfdisk(t *testing.T) {
	const name = "/usr/lib/syslinux/mbr/mbr.bin"
	code, err := os.ReadFile(name)
	if err != nil {
		needs.Missing(t, "%s is not installed (Debian package syslinux-common)", name)
	}
	program := needs.Tool(t, "sfdisk", "fdisk")
	path := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(path, code, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 32<<20); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--quiet", "--no-reread", "--no-tell-kernel", path)
	cmd.Stdin = strings.NewReader("label: dos\nlabel-id: 0x1\nstart=2048, type=83, bootable\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := Analyze(f, 32<<20)
	if err != nil {
		t.Fatal(err)
	}
	if p := r.Table.Active(); p == nil || p.Start != 2048 {
		t.Errorf("active partition %+v", p)
	}
	if r.Boot.Known == nil || r.Boot.Known.Name != "syslinux mbr" || !r.Boot.Known.Exact {
		t.Errorf("known: %v", r.Boot.Known)
	}
	// The code is there, the partition's sector is empty: both are said.
	if len(r.Table.Findings) != 1 || r.Table.Findings[0].Code != partition.VolumeNoBoot {
		t.Errorf("findings %q", r.Table.Findings)
	}
}

func FuzzAnalyze(f *testing.F) {
	d := disk(f)
	f.Add(d[:512], uint16(0))
	f.Add(d[0x1be:0x1fe], uint16(0x1be))
	f.Add(boottest.Code("nodisk"), uint16(63*512))
	f.Fuzz(func(t *testing.T, data []byte, at uint16) {
		image := bytes.Clone(d)
		copy(image[at:], data)
		r, err := Analyze(bytes.NewReader(image), int64(len(image)))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := errors.Join(r.WriteText(&b), r.WriteSVG(&b), r.WriteBytes(&b)); err != nil {
			t.Error(err)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
	})
}

func ExampleAnalyze() {
	sector := make([]byte, 512)
	copy(sector, []byte{0xea, 0x00, 0x00, 0xff, 0xff}) // jmp ffff:0000
	copy(sector[510:], []byte{0x55, 0xaa})
	r, err := Analyze(bytes.NewReader(sector), 512)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = r.WriteVerdict(os.Stdout)
	// Output:
	// Boot code: Unknown boot code.
	//   It does not look for an active partition.
	//   It reads nothing from disk that could be followed.
	//   It restarts the machine.
}
