package kd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/bootsec/boottest"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/kd"
)

func TestMbrAgainstAndPicture(t *testing.T) {
	d := boottest.Disk()
	path := file(t, "disk.img", d)
	other := bytes.Clone(d[:512])
	other[0x24] ^= 1
	there := file(t, "saved.bin", other)
	svg, dot := filepath.Join(t.TempDir(), "boot.svg"), filepath.Join(t.TempDir(), "boot.DOT")
	s := kd.NewSession(openDisk(t, path))
	got := try(t, s, "!mbr --against "+there)
	if !strings.HasPrefix(got, "1 byte in 1 place differs from "+there+":\n024  f6 ") {
		t.Errorf("--against: %q", got)
	}
	if got := try(t, s, "!mbr -o "+svg); !strings.HasPrefix(got, svg+": ") || !strings.HasSuffix(got, " blocks\n") {
		t.Errorf("-o: %q", got)
	}
	if b, err := os.ReadFile(svg); err != nil || !bytes.Contains(b, []byte("<svg")) {
		t.Errorf("the picture: %v", err)
	}
	s.JSON = true
	var v struct {
		Command string
		Result  struct {
			Kind, Against, Picture string
			Differences            []struct {
				Offset      int
				Here, There string
			}
		}
	}
	if err := json.Unmarshal([]byte(try(t, s, "!mbr --against "+there+" -o "+dot)), &v); err != nil {
		t.Fatal(err)
	}
	r := v.Result
	if v.Command != "!mbr" || r.Kind != "disk" || r.Against != there || r.Picture != dot || len(r.Differences) != 1 || r.Differences[0].Offset != 0x24 || r.Differences[0].Here != "f6" || r.Differences[0].There != "f7" {
		t.Errorf("%+v", v)
	}
	if b, err := os.ReadFile(dot); err != nil || !bytes.HasPrefix(b, []byte("digraph")) {
		t.Errorf("the picture: %v", err)
	}
	s = kd.NewSession(openDisk(t, path))
	var b strings.Builder
	if err := s.RunWords(context.Background(), &b, "!mbr", "--against", "a; file\nwith \"all\""); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a name with all that ends words: %v", err)
	}
	if err := s.RunWords(context.Background(), &b); err == nil {
		t.Error("no words are a command")
	}
}

// Damage to a disk shows in !mbr as its finding, text and JSON.
func TestMbrDamaged(t *testing.T) {
	for code, damage := range map[string]func(d []byte){
		"no-signature":        func(d []byte) { d[0x1fe] = 0 },
		"two-active":          func(d []byte) { d[0x1ce] = 0x80 },
		"bad-status":          func(d []byte) { d[0x1ce] = 0x7f },
		"beyond-end":          func(d []byte) { d[0x1ce+13] = 0xff },
		"overlap":             func(d []byte) { d[0x1ce+9] = 3 },
		"chs-mismatch":        func(d []byte) { d[0x1be+1]++ },
		"volume-not-bootable": func(d []byte) { d[63*512+510] = 0 },
		"gpt-missing":         func(d []byte) { d[0x1ce+4] = 0xee },
	} {
		d := boottest.Disk()
		damage(d)
		s := kd.NewSession(openDisk(t, file(t, "disk.img", d)))
		if got := try(t, s, "!mbr"); !strings.Contains(got, "["+code+"]\n") {
			t.Errorf("%s is not among the findings:\n%.2000s", code, got)
		}
		s.JSON = true
		if got := try(t, s, "!mbr"); !strings.Contains(got, `"code":"`+code+`"`) {
			t.Errorf("%s is not among the findings in JSON", code)
		}
	}
}

// Images that sfdisk made read through !mbr as sfdisk --json reads them.
func TestMbrAgainstSfdisk(t *testing.T) {
	program := needs.Tool(t, "sfdisk", "fdisk")
	for name, script := range map[string]string{
		"dos": "label: dos\nlabel-id: 0x12345678\nsize=5M, type=83, bootable\nsize=20M, type=5\nsize=6M, type=7\nsize=7M, type=82\n",
		"gpt": "label: gpt\nsize=5M, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=boot\nsize=6M\n",
	} {
		path := file(t, "disk.img", nil)
		if err := os.Truncate(path, 48<<20); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program, "--quiet", "--no-reread", "--no-tell-kernel", path)
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: sfdisk: %v\n%s", name, err, out)
		}
		out, err := exec.Command(program, "--json", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		type part struct{ Start, Size, Sectors, End uint64 }
		var theirs struct {
			PartitionTable struct {
				Label      string
				Partitions []part
			}
		}
		var ours struct {
			Result struct {
				Table struct {
					Scheme     string
					Partitions []part
					GPT        *struct{ Partitions []part }
				}
			}
		}
		s := kd.NewSession(openDisk(t, path))
		s.JSON = true
		if err := json.Unmarshal(out, &theirs); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(try(t, s, "!mbr")), &ours); err != nil {
			t.Fatal(err)
		}
		list := ours.Result.Table.Partitions
		if g := ours.Result.Table.GPT; g != nil {
			list = g.Partitions
		}
		want := theirs.PartitionTable
		if ours.Result.Table.Scheme != want.Label || len(list) != len(want.Partitions) || len(list) == 0 {
			t.Errorf("%s: %+v, sfdisk says %+v", name, ours, want)
			continue
		}
		for i, p := range list {
			if p.Sectors == 0 {
				p.Sectors = p.End - p.Start + 1
			}
			if p.Start != want.Partitions[i].Start || p.Sectors != want.Partitions[i].Size {
				t.Errorf("%s: partition %d is %+v, sfdisk says %+v", name, i+1, p, want.Partitions[i])
			}
		}
	}
}
