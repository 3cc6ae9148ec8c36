package kd

const digits = "0123456789abcdef"

// hex8 is a doubleword in eight digits.
func hex8(v uint32) string {
	var b [8]byte
	for i := range b {
		b[i] = digits[v>>(28-4*i)&0xf]
	}
	return string(b[:])
}
