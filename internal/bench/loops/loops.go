package loops

import "encoding/binary"

// Fill writes every byte of b, in a pattern that depends on seed, and first in
// front. len(b) is a multiple of 8.
func Fill(b []byte, first, seed byte) {
	const ones = 0x0101010101010101
	word := 0x0706050403020100 + uint64(seed)*ones // the lanes stay below 256 for small seeds
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:i+8], word)
	}
	b[0] = first
}

// Seeds is how many seeds of Fill there are, from 0.
const Seeds = 16

// Sum adds every byte of b. len(b) is a multiple of 8.
func Sum(b []byte) (sum uint64) {
	const (
		even  = 0x00ff00ff00ff00ff // every second byte, in lanes of 16 bits
		block = 1024               // after which the lanes, 2*255 a word, are full
	)
	for len(b) > 0 {
		n := min(len(b), block)
		var lanes uint64
		for i := 0; i+8 <= n; i += 8 {
			w := binary.LittleEndian.Uint64(b[i : i+8])
			lanes += w&even + w>>8&even
		}
		sum += lanes&0xffff + lanes>>16&0xffff + lanes>>32&0xffff + lanes>>48
		b = b[n:]
	}
	return sum
}
