package section

import (
	"bytes"
	"testing"
)

func TestCopy(t *testing.T) {
	const mib = 1 << 20
	src := make([]byte, 2*mib+5)
	for i := range src {
		src[i] = byte(i * 7 >> 3)
	}
	for _, n := range []int{0, 1, piece - 1, piece, piece + 1, mib - 1, mib, mib + 1, len(src)} {
		for name, lens := range map[string][2]int{"same": {n, n}, "short source": {len(src), n}, "short destination": {n, len(src)}} {
			dst := make([]byte, lens[0], lens[0]+1)
			dst[:lens[0]+1][lens[0]] = 0xEE
			if got := Copy(dst, src[:lens[1]]); got != n {
				t.Errorf("%s, %d bytes: got %d", name, n, got)
			}
			if !bytes.Equal(dst[:n], src[:n]) {
				t.Errorf("%s, %d bytes: the content differs", name, n)
			}
			if !bytes.Equal(dst[n:], make([]byte, lens[0]-n)) || dst[:lens[0]+1][lens[0]] != 0xEE {
				t.Errorf("%s, %d bytes: written beyond the end", name, n)
			}
		}
	}
}
