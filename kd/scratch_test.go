package kd

import (
	"bytes"
	"context"
	"errors"
	"math/rand"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/target"
)

// holes is a target that has the bytes of memory at base, but for those in absent.
type holes struct {
	wide
	base   uint64
	memory []byte
	absent map[uint64]bool
	can    target.Capability
}

func (h *holes) ReadMemory(addr uint64, dst []byte) (int, error) {
	for n := range dst {
		a := addr + uint64(n)
		if a < addr || a < h.base || a-h.base >= uint64(len(h.memory)) || h.absent[a] {
			return n, &target.Absent{Addr: a, Why: "a hole"}
		}
		dst[n] = h.memory[a-h.base]
	}
	return len(dst), nil
}

func (h *holes) Has(c target.Capability) bool     { return c&^h.can == 0 }
func (h *holes) Lacks(c target.Capability) string { return map[bool]string{false: "lacks"}[h.Has(c)] }
func (h *holes) System() target.System            { return nil }

// Whatever is laid in whatever order, a read gives the byte that was laid last, else
// the target's, and ends at the first byte that neither has.
func TestScratchAgainstBytes(t *testing.T) {
	const base, size = 1000, 300
	for seed := range int64(200) {
		r := rand.New(rand.NewSource(seed))
		h := &holes{wide: wide{size: 8}, base: base, memory: make([]byte, size), absent: map[uint64]bool{}}
		model := map[uint64]byte{}
		for i := range h.memory {
			h.memory[i] = byte(r.Intn(256))
			model[base+uint64(i)] = h.memory[i]
			if r.Intn(20) == 0 {
				h.absent[base+uint64(i)] = true
				delete(model, base+uint64(i))
			}
		}
		s := NewSession(h)
		for range r.Intn(12) {
			addr := uint64(base - 50 + r.Intn(size+100))
			data := make([]byte, 1+r.Intn(60))
			for i := range data {
				data[i] = byte(r.Intn(256))
				model[addr+uint64(i)] = data[i]
			}
			if err := s.scratch.lay(addr, data, ""); err != nil {
				t.Fatal(err)
			}
			for i, p := range s.scratch.pieces {
				if len(p.data) == 0 || i > 0 && s.scratch.pieces[i-1].end() > p.addr {
					t.Fatalf("seed %d: pieces %v", seed, s.scratch.pieces)
				}
			}
		}
		for range 50 {
			addr := uint64(base - 60 + r.Intn(size+120))
			dst := make([]byte, r.Intn(80))
			n, err := s.readMemory(addr, dst)
			want := 0
			for ; want < len(dst); want++ {
				b, ok := model[addr+uint64(want)]
				if !ok {
					break
				}
				if want < n && dst[want] != b {
					t.Fatalf("seed %d: byte %#x is %02x, want %02x", seed, addr+uint64(want), dst[want], b)
				}
			}
			var a *target.Absent
			if n != want || n < len(dst) && (!errors.As(err, &a) || a.Addr != addr+uint64(n)) || n == len(dst) && err != nil {
				t.Fatalf("seed %d: %d of %d bytes at %#x (%v), want %d", seed, n, len(dst), addr, err, want)
			}
		}
	}
}

// The ends of the address space, and the limit.
func TestScratchEdges(t *testing.T) {
	s := NewSession(&holes{wide: wide{size: 8}})
	last := ^uint64(0)
	if err := s.scratch.lay(last-1, []byte{1, 2}, ""); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 3)
	n, err := s.readMemory(last-1, b)
	var a *target.Absent
	if n != 2 || b[1] != 2 || !errors.As(err, &a) || a.Addr != 0 {
		t.Errorf("%d bytes % x, %v", n, b, err)
	}
	if err := s.scratch.lay(last, []byte{3, 4}, ""); err == nil {
		t.Error("scratch wraps")
	}
	if err := s.scratch.lay(last, []byte{5}, ""); err != nil {
		t.Fatal(err)
	}
	if n, _ := s.readMemory(last-1, b[:2]); n != 2 || b[0] != 1 || b[1] != 5 {
		t.Errorf("%d bytes % x", n, b)
	}
	if err := s.scratch.lay(0, make([]byte, maxScratch-2), ""); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if err := s.scratch.lay(1<<40, []byte{1}, ""); err == nil || !strings.Contains(err.Error(), "the limit is 0x1000000") {
		t.Errorf("behind the limit: %v", err)
	}
	if err := s.scratch.lay(5, bytes.Repeat([]byte{1}, 100), ""); err != nil {
		t.Errorf("over what is there: %v", err)
	}
}

// zeros finds the first range of zeros that is really there.
func TestZeros(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name          string
		memory        string // . zero, x not, _ absent; each stands for 16 bytes, from 100 on
		scratch       string // . as the target, s: scratch of zeros
		addr, n, size uint64
		want          uint64 // 0: none
	}{
		{"all", "....", "", 0x100, 0x40, 0x40, 0x100},
		{"one too many", "....", "", 0x100, 0x40, 0x41, 0},
		{"the range ends first", "....", "", 0x100, 0x3f, 0x40, 0},
		{"in the middle", "x..x...x", "", 0x100, 0x80, 0x30, 0x140},
		{"at the end", "xx..", "", 0x100, 0x40, 0x20, 0x120},
		{"a byte", "x.", "", 0x100, 0x20, 1, 0x110},
		{"absent is not zero", "..__....", "", 0x100, 0x80, 0x50, 0},
		{"behind a gap, at a multiple of 64", ".___....", "", 0x100, 0x80, 0x40, 0x140},
		{"in front of memory", "....", "", 0, 0x140, 0x20, 0x100},
		{"nothing there", "____", "", 0x100, 0x40, 1, 0},
		{"not aligned", "......", "", 0x101, 0x50, 0x20, 0x110},
		{"scratch is in use", "........", "..s.....", 0x100, 0x80, 0x30, 0x130},
		{"scratch over all", "....", "ssss", 0x100, 0x40, 1, 0},
	} {
		h := &holes{wide: wide{size: 8}, base: 0x100, absent: map[uint64]bool{}}
		for i, k := range c.memory {
			for j := range 16 {
				h.absent[0x100+uint64(16*i+j)] = k == '_'
				h.memory = append(h.memory, map[rune]byte{'x': 1}[k])
			}
		}
		s := NewSession(h)
		for i, k := range c.scratch {
			if k == 's' {
				if err := s.scratch.lay(0x100+uint64(16*i), make([]byte, 16), ""); err != nil {
					t.Fatal(err)
				}
			}
		}
		got, ok, err := s.zeros(ctx, c.addr, c.n, c.size)
		if err != nil || ok != (c.want != 0) || got != c.want {
			t.Errorf("%s: %#x, %v (%v), want %#x", c.name, got, ok, err, c.want)
		}
	}
	s := NewSession(&holes{wide: wide{size: 8}})
	if _, ok, err := s.zeros(ctx, ^uint64(0)-100, 200, 16); ok || err != nil {
		t.Errorf("at the last address: %v, %v", ok, err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := s.zeros(done, 0, 1<<40, 16); err == nil {
		t.Error("the search went on after its context had ended")
	}
}
