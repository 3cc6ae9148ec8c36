package partition

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// sfdiskDump is what sfdisk --json prints.
type sfdiskDump struct {
	Table struct {
		Label      string `json:"label"`
		ID         string `json:"id"`
		SectorSize int64  `json:"sectorsize"`
		FirstLBA   uint64 `json:"firstlba"`
		LastLBA    uint64 `json:"lastlba"`
		Partitions []struct {
			Node     string `json:"node"`
			Start    uint64 `json:"start"`
			Size     uint64 `json:"size"`
			Type     string `json:"type"`
			UUID     string `json:"uuid"`
			Name     string `json:"name"`
			Bootable bool   `json:"bootable"`
		} `json:"partitions"`
	} `json:"partitiontable"`
}

// Images that sfdisk made must read as sfdisk reads them, without findings.
func TestAgainstSfdisk(t *testing.T) {
	program := needs.Tool(t, "sfdisk", "fdisk")
	for _, c := range []struct {
		name, script string
		mib          int64
		codes        []Code
	}{
		{"one", "label: dos\nlabel-id: 0x12345678\nstart=2048, type=83, bootable\n", 64, []Code{VolumeNoBoot}},
		{"four", "label: dos\nlabel-id: 0xdeadbeef\nsize=5M, type=c\nsize=6M, type=7, bootable\nsize=7M, type=82\ntype=83\n", 100, []Code{VolumeNoBoot}},
		{"logical", "label: dos\nlabel-id: 0x00000001\nsize=5M, type=83\nsize=40M, type=5\nsize=6M, type=83\nsize=7M, type=7\nsize=8M, type=82\nstart=93000, size=1000, type=e\n", 100, []Code{NoActive}},
		{"logical out of order", "label: dos\nlabel-id: 0x2\nsize=60M, type=f\nstart=51200, size=10000, type=83\nstart=8192, size=10000, type=7\n", 100, []Code{NoActive}},
		{"empty", "label: dos\nlabel-id: 0x7\n", 10, []Code{NoActive}},
		{"gap", "label: dos\nlabel-id: 0x3\n3: start=4096, size=4096, type=a5\n", 10, []Code{NoActive}},
		{"gpt", "label: gpt\nlabel-id: 01234567-89AB-CDEF-0123-456789ABCDEF\nsize=5M, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=11111111-1111-1111-1111-111111111111, name=\"EFI System\"\nsize=6M, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name=\"zweite Größe\"\n9: size=1M, type=21686148-6449-6E6F-744E-656564454649\n", 64, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "disk.img")
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, c.mib<<20); err != nil {
				t.Fatal(err)
			}
			write := exec.Command(program, "--quiet", "--no-reread", "--no-tell-kernel", path)
			write.Stdin = strings.NewReader(c.script)
			if out, err := write.CombinedOutput(); err != nil {
				t.Fatalf("sfdisk: %v\n%s", err, out)
			}
			out, err := exec.Command(program, "--json", path).Output()
			if err != nil {
				t.Fatalf("sfdisk --json: %v", err)
			}
			var want sfdiskDump
			if err := json.Unmarshal(out, &want); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			got, err := Read(f, c.mib<<20)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, want)
			for i, f := range got.Findings {
				if i >= len(c.codes) || f.Code != c.codes[i] {
					t.Errorf("finding %q", f)
				}
			}
			if len(got.Findings) < len(c.codes) {
				t.Errorf("findings %q, want %q", got.Findings, c.codes)
			}
		})
	}
}

// compare holds a table against sfdisk's.
func compare(t *testing.T, got *Table, want sfdiskDump) {
	t.Helper()
	w := want.Table
	type row struct {
		number            int
		start, size       uint64
		kind, uuid, label string
		active            bool
	}
	var rows []row
	id := fmt.Sprintf("0x%08x", got.DiskID)
	if got.GPT != nil {
		id = got.GPT.DiskGUID.String()
		if got.GPT.FirstUsable != w.FirstLBA || got.GPT.LastUsable != w.LastLBA {
			t.Errorf("usable %d to %d, sfdisk says %d to %d", got.GPT.FirstUsable, got.GPT.LastUsable, w.FirstLBA, w.LastLBA)
		}
		for _, e := range got.GPT.Entries {
			rows = append(rows, row{e.Number, e.First, e.Sectors(), e.Type.String(), e.GUID.String(), e.Name, false})
		}
	} else {
		for _, p := range got.Partitions {
			rows = append(rows, row{p.Number, p.Start, p.Sectors, fmt.Sprintf("%x", p.Type), "", "", p.Active()})
		}
	}
	if string(got.Scheme) != w.Label || id != w.ID || w.SectorSize != 0 && got.SectorSize != w.SectorSize {
		t.Errorf("%s %s with sectors of %d, sfdisk says %s %s %d", got.Scheme, id, got.SectorSize, w.Label, w.ID, w.SectorSize)
	}
	if len(rows) != len(w.Partitions) {
		t.Fatalf("%d partitions, sfdisk says %d: %+v", len(rows), len(w.Partitions), rows)
	}
	for i, p := range w.Partitions {
		var number int
		if _, err := fmt.Sscanf(p.Node[strings.LastIndex(p.Node, ".img")+4:], "%d", &number); err != nil {
			t.Fatalf("node %q: %v", p.Node, err)
		}
		r := row{number, p.Start, p.Size, p.Type, p.UUID, p.Name, p.Bootable}
		if rows[i] != r {
			t.Errorf("partition %+v, sfdisk says %+v", rows[i], r)
		}
	}
}
