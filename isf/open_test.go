package isf

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

func packXZ(t testing.TB, data []byte, c xz.WriterConfig) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := c.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func description(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/xp.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestOpenPacked(t *testing.T) {
	data := description(t)
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	half := len(data) / 2
	two := append(packXZ(t, data[:half], xz.WriterConfig{}), 0, 0, 0, 0)
	for name, packed := range map[string][]byte{
		"plain.json":     data,
		"a.json.gz":      gz.Bytes(),
		"crc64.json.xz":  packXZ(t, data, xz.WriterConfig{}),
		"crc32.json.xz":  packXZ(t, data, xz.WriterConfig{CheckSum: xz.CRC32}),
		"sha256.json.xz": packXZ(t, data, xz.WriterConfig{CheckSum: xz.SHA256}),
		"none.json.xz":   packXZ(t, data, xz.WriterConfig{NoCheckSum: true}),
		"blocks.json.xz": packXZ(t, data, xz.WriterConfig{BlockSize: 1000}),
		"two.json.xz":    append(two, packXZ(t, data[half:], xz.WriterConfig{})...),
		"tricky.name.gz": data,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, packed, 0o600); err != nil {
				t.Fatal(err)
			}
			types, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if types.Source() != path || len(types.Names()) != 19 {
				t.Errorf("%s: %d structures", types.Source(), len(types.Names()))
			}
		})
	}
}

// Files of the program that makes the public ones.
func TestOpenXZProgram(t *testing.T) {
	program := needs.Tool(t, "xz", "xz-utils")
	for _, args := range [][]string{{}, {"-9e"}, {"-1", "--check=sha256"}, {"--block-size=512"}, {"--check=none"}} {
		path := filepath.Join(t.TempDir(), "xp.json")
		if err := os.WriteFile(path, description(t), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(program, append(args, path)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		if _, err := Open(path + ".xz"); err != nil {
			t.Errorf("xz %v: %v", args, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	good := packXZ(t, description(t), xz.WriterConfig{DictCap: 1 << 16})
	damage := func(at int, b byte) []byte {
		d := bytes.Clone(good)
		d[at] ^= b
		return d
	}
	// A block header that asks for 4 GiB, with its check sum right.
	huge := damage(12+4, 0)
	huge[12+4] = 40
	binary.LittleEndian.PutUint32(huge[12+8:], crc32.ChecksumIEEE(huge[12:12+8]))
	unknownCheck := append([]byte(xzMagic), 0, 5)
	unknownCheck = binary.LittleEndian.AppendUint32(unknownCheck, crc32.ChecksumIEEE(unknownCheck[6:8]))
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"pdb":        {[]byte("Microsoft C/C++ MSF 7.00\r\n\x1aDS"), "this is a program database (PDB), not ISF JSON"},
		"zip":        {[]byte("PK\x03\x04...."), "this is a zip archive: take the .json out of it"},
		"gz":         {[]byte{0x1f, 0x8b, 8}, "the gzip data ends before it is complete"},
		"header":     {damage(8, 1), "the stream header's check sum is wrong"},
		"check":      {unknownCheck, "its check is of kind 0x5, expected 0 (none)"},
		"block":      {damage(12+2, 1), "a block header's check sum is wrong"},
		"dictionary": {huge, "a block asks for a dictionary of 4294967295 bytes, expected at most 67108864"},
		"sum":        {damage(len(good)-12-8-8-4, 0xff), "the check sum of a block is wrong"},
		"footer":     {damage(len(good)-5, 1), "the stream's footer is damaged"},
		"behind":     {append(bytes.Clone(good), "something else"...), "what follows a stream is not another one"},
		"not there":  {nil, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f")
			if c.data != nil {
				if err := os.WriteFile(path, c.data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := Open(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
	for n := range good {
		if _, err := unpackXZ(good[:n], maxFile); err == nil {
			t.Fatalf("the first %d of %d bytes were taken for all", n, len(good))
		}
	}
}

// A small file may unpack to more than memory: the limit holds at its edges.
func TestUnpackIsBounded(t *testing.T) {
	data := bytes.Repeat([]byte{'x'}, 10_000)
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	w.Write(data)
	w.Close()
	for name, packed := range map[string][]byte{
		"gz": gz.Bytes(), "xz": packXZ(t, data, xz.WriterConfig{}), "blocks": packXZ(t, data, xz.WriterConfig{BlockSize: 1000}),
	} {
		for _, limit := range []int{len(data) - 1, len(data), len(data) + 1} {
			out, err := unpack(packed, limit)
			if fits := limit >= len(data); fits != (err == nil) || fits && !bytes.Equal(out, data) {
				t.Errorf("%s, limit %d: %d bytes, %v", name, limit, len(out), err)
			}
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(packXZ(f, []byte("{}"), xz.WriterConfig{}))
	f.Add(packXZ(f, bytes.Repeat([]byte("ab"), 100), xz.WriterConfig{BlockSize: 50, CheckSum: xz.CRC32}))
	f.Add([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if out, err := unpack(data, 1<<20); err == nil && len(out) > 1<<20 && len(out) != len(data) {
			t.Fatalf("%d bytes", len(out))
		}
	})
}
