package stack

// afterCall says whether the instruction before an address is a call, by its bytes
// (Intel SDM volume 2, CALL). known is false when they are not in memory.
func (in *Input) afterCall(va uint64) (call, known bool) {
	if in.arm64 {
		return in.afterBranchLink(va)
	}
	var b [8]byte
	// A call has 2 to 8 bytes; the bytes before it may be on a page that is absent.
	for _, n := range []uint64{8, 7, 6, 5, 4, 3, 2} {
		if va < n {
			continue
		}
		if got, _ := in.Memory.ReadMemory(va-n, b[8-n:]); uint64(got) == n {
			return isCall(b[8-n:]), true
		}
	}
	return false, false
}

// isCall says whether b ends with a call instruction.
func isCall(b []byte) bool {
	at := func(n int) []byte {
		if n > len(b) {
			return nil
		}
		return b[len(b)-n:]
	}
	if c := at(5); c != nil && c[0] == 0xe8 { // call rel32
		return true
	}
	if c := at(7); c != nil && c[0] == 0x9a { // call far ptr16:32, 32-bit code only
		return true
	}
	// ff /2: call r/m. The length follows from ModRM, SIB and displacement.
	for n := 2; n <= 7; n++ {
		c := at(n)
		if c == nil || c[0] != 0xff || c[1]>>3&7 != 2 {
			continue
		}
		if modrmBytes(c[1:]) == n-1 {
			return true
		}
	}
	return false
}

// modrmBytes is the number of bytes of ModRM, SIB and displacement, for addresses of
// 32 and 64 bits (Intel SDM volume 2, 2.1.5); 0 when b is too short to tell.
func modrmBytes(b []byte) int {
	mod, rm := b[0]>>6, b[0]&7
	n := 1
	if mod == 3 {
		return n
	}
	if rm == 4 {
		if len(b) < 2 {
			return 0
		}
		n++
		if mod == 0 && b[1]&7 == 5 {
			return n + 4
		}
	}
	switch {
	case mod == 0 && rm == 5:
		return n + 4
	case mod == 1:
		return n + 1
	case mod == 2:
		return n + 4
	}
	return n
}
