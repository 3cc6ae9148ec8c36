package lpcpool

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target"
)

// damage overwrites an extent as data says: offset (4 bytes), kind (1), argument (8).
func damage(l map[uint32][]byte, data []byte) {
	for len(data) >= 13 {
		off, kind, arg := le.Uint32(data), data[4], data[5:13]
		data = data[13:]
		i := off >> 30 % uint32(len(l))
		b := l[i]
		if off %= pool.ExtentSize; off > pool.ExtentSize-8 {
			off = pool.ExtentSize - 8
		}
		switch kind % 6 {
		case 0:
			copy(b[off:], arg)
		case 1: // an address in the pool
			le.PutUint64(b[off&^7:], base()|le.Uint64(arg)%(3*pool.ExtentSize))
		case 2: // a page of zeros
			clear(b[off&^(pageSize-1):][:pageSize])
		case 3: // a run of noise
			r := rand.New(rand.NewPCG(le.Uint64(arg), 1))
			for j := off; j < min(off+uint32(arg[0])*16, pool.ExtentSize); j++ {
				b[j] = byte(r.Uint32())
			}
		case 4: // a header where none was
			le.PutUint32(b[off&^63:], pool.BlockMagic)
		case 5: // the file ends
			l[i] = b[:off]
			return
		}
	}
}

// FuzzPool damages a pool and asks everything of it. Whatever it says must stand
// in the bytes, and it must end.
func FuzzPool(f *testing.F) {
	for i := range byte(6) {
		f.Add([]byte{0x60, 0, 0, 0, i, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0x50, 0, 0, i, 9, 9, 9, 9, 9, 9, 9, 9})
	}
	f.Add([]byte{0x78, 0, 0, 0, 1, 0, 0x40, 0, 0, 0, 0, 0, 0}) // the description is elsewhere
	f.Fuzz(func(t *testing.T, data []byte) {
		v, l := sample(t, func(l map[uint32][]byte) { damage(l, data) })
		all(t, v, l)
	})
}

// TestDamage is the same for random damage, each time.
func TestDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		data := make([]byte, 13*(1+r.IntN(40)))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		v, l := sample(t, func(l map[uint32][]byte) { damage(l, data) })
		all(t, v, l)
	}
}

func all(t *testing.T, v *View, l map[uint32][]byte) {
	t.Helper()
	most := len(l)*pool.ExtentSize/blockAlign + 2*len(l) + 2
	n := 0
	count := func(what string) {
		if n++; n > most {
			t.Fatalf("%s without end", what)
		}
	}
	for b := range v.Blocks("") {
		count("blocks")
		if b.Err != nil {
			continue
		}
		off := b.Addr & offsetMask
		raw := l[uint32(off/pool.ExtentSize)][off%pool.ExtentSize:]
		if h, ok := parseBlock(raw, pool.ExtentSize); !ok || uint64(h.size) != b.Size || h.tag != b.Tag {
			t.Fatalf("block %+v does not stand there", b)
		}
		same(t, v, l, b.Addr, int(b.Size))
		if o, err := v.Object(b.Body); err == nil && o.Addr != b.Body {
			t.Fatalf("Object(%#x) is at %#x", b.Body, o.Addr)
		}
	}
	n = 0
	ports, _ := v.Ports()
	for o := range ports {
		count("ports")
		if !stands(l, o.Path) || !stands(l, o.Name) {
			t.Fatalf("the name of port %+v stands nowhere", o)
		}
	}
	asPool(t, v, l, most)
	n = 0
	for range v.Threads(0) {
		count("threads")
	}
	n = 0
	for range v.Names("RPC Control") {
		count("names")
	}
	n, most = 0, most*blockAlign/16
	for range v.Handles(0) {
		count("handles")
	}
	for p := range v.Processes() {
		if !stands(l, p.Image) {
			t.Fatalf("the program's name %q stands nowhere", p.Image)
		}
	}
	for i := range uint64(len(l)) {
		same(t, v, l, base()|i*pool.ExtentSize, pool.ExtentSize)
	}
	for p := range v.Peers() {
		_ = p
	}
	v.Time(base(), 12345)
}

// asPool asks what a damaged pool says of itself as a pool.
func asPool(t *testing.T, v *View, l map[uint32][]byte, most int) {
	t.Helper()
	if _, err := v.TagUse(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	for _, k := range []target.PoolKind{target.NonPaged, target.Paged} {
		if n := len(blocksOf(v, t.Context(), k, nil)); n > most {
			t.Fatalf("%d blocks of a range", n)
		}
		_, _, big, err := v.BigTable(k)
		if err != nil || len(slices.Collect(big)) > most {
			t.Fatalf("sections without end, or %v", err)
		}
	}
	for i := range uint64(len(l)) {
		for _, page := range []uint64{0, 1, 17, pages - 1} {
			if _, list, _ := v.PoolPage(base() | i*pool.ExtentSize + page*pageSize); len(list) > pageSize/blockAlign+1 {
				t.Fatalf("%d blocks in page %d", len(list), page)
			}
		}
	}
}

// same: what is read is what stands there.
func same(t *testing.T, v *View, l map[uint32][]byte, addr uint64, n int) {
	t.Helper()
	b := make([]byte, n)
	got, whole, err := v.ReadRecord(addr, b)
	off := addr & offsetMask
	raw := l[uint32(off/pool.ExtentSize)][min(off%pool.ExtentSize, uint64(len(l[uint32(off/pool.ExtentSize)]))):]
	if got > n || got > len(raw) || !bytes.Equal(b[:got], raw[:got]) || got < n != (err != nil) || !whole {
		t.Fatalf("reading %d bytes at %#x: %d, whole %v, %v; not what stands there", n, addr, got, whole, err)
	}
}

func stands(l map[uint32][]byte, text string) bool {
	for _, b := range l {
		if bytes.Contains(b, []byte(text)) {
			return true
		}
	}
	return text == ""
}
