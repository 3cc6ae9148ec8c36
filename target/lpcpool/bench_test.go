package lpcpool

import (
	"testing"

	"github.com/seed-eedd8485/lpc/internal/pool"
)

// large is a pool with 10,000 ports and 100,000 messages, in files' form.
func large(b *testing.B) *View {
	b.Helper()
	p, err := pool.Process()
	if err != nil {
		b.Fatal(err)
	}
	for range 10_000 {
		rec, a, err := pool.New[pool.PortObject](p, pool.TagPort, 0)
		if err != nil {
			b.Fatal(err)
		}
		rec.Flags = pool.PortServerComm
		for range 10 {
			if _, _, err := pool.New[pool.Message](p, pool.TagMessage, a); err != nil {
				b.Fatal(err)
			}
		}
	}
	l, err := ownExtents()
	if err != nil {
		b.Fatal(err)
	}
	return New([]*Pool{source(l)})
}

func BenchmarkLarge(b *testing.B) {
	v := large(b)
	b.Run("Ports", func(b *testing.B) {
		for b.Loop() {
			ports, _ := v.Ports()
			for range ports {
			}
		}
	})
	b.Run("Messages", func(b *testing.B) {
		body := make([]byte, 0x1d8)
		for b.Loop() {
			for m := range v.Blocks("LpcM") {
				if _, _, err := v.ReadRecord(m.Body, body); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
