package ntdump

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"
)

// BenchmarkFindKernel searches memory in which there is no kernel: all of it is looked
// at. Copy is what reading the same memory once costs.
func BenchmarkFindKernel(b *testing.B) {
	data := make([]byte, 256<<20)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(data) // it does not fail
	b.Run("search", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, err := NewImage(context.Background(), bytes.NewReader(data), int64(len(data)), Image{Extents: []Extent{{Size: uint64(len(data))}}}); err == nil {
				b.Fatal("a kernel was found in random bytes")
			}
		}
	})
	b.Run("copy", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		buf := make([]byte, scanChunk)
		for b.Loop() {
			for off := 0; off < len(data); off += len(buf) {
				copy(buf, data[off:])
			}
		}
	})
}
