package engine

import "testing"

// BenchmarkTakeRegion is what large data pays for its section memory, beside the copy.
func BenchmarkTakeRegion(b *testing.B) {
	server, _ := tagPair(b, PortOptions{}, DialOptions{})
	for b.Loop() {
		r, err := server.sections.take(server, 1000, true, server.tag)
		if err != nil {
			b.Fatal(err)
		}
		r.Release()
	}
}
