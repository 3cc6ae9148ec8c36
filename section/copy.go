package section

// piece is how much Copy moves at a time. From 1 MiB (0x100000 bytes) on, Go's
// memmove on amd64 goes over to non-temporal stores, which pass the cache by
// that both ends share, and takes twice as long.
const piece = 256 << 10

// Copy copies like the built-in copy and returns the number of bytes, the
// smaller of both lengths, but never moves 1 MiB or more in one go. The two
// slices must not overlap. Where one of them is shared with a peer, what was
// copied may be torn: check the copy.
func Copy(dst, src []byte) int {
	n := min(len(dst), len(src))
	for at := 0; at < n; at += piece {
		end := min(at+piece, n)
		copy(dst[at:end], src[at:end])
	}
	return n
}
