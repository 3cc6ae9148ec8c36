package nt

import "github.com/seed-eedd8485/lpc/internal/engine"

// checkLengths is the arithmetic of a header (lpc reference b.0).
func checkLengths(m *Message) Status {
	if int(m.DataLength)+HeaderSize > int(m.TotalLength) {
		return StatusInvalidParameter
	}
	return StatusSuccess
}

// portFor finds the port that a message is to go through, and holds it against that.
func portFor(h Handle, m *Message) (*object, Status) {
	o, s := port(h)
	if s == StatusSuccess && int(m.TotalLength) > most(o.eng) {
		return nil, StatusPortMessageTooLong
	}
	return o, s
}

// checkDataInfo: the array must stand inside the message (b.8, step 4).
func checkDataInfo(m *Message) Status {
	off := int(m.DataInfoOffset)
	if off == 0 {
		return StatusSuccess
	}
	end := min(int(m.DataLength), MaxDataLength) + HeaderSize
	if off < HeaderSize || off%8 != 0 || off+engine.DataInfoSize(0) > end {
		return StatusInvalidParameter
	}
	b := m.Body[off-HeaderSize:]
	n := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
	if n > MaxDataLength || off+engine.DataInfoSize(int(n)) > end {
		return StatusInvalidParameter
	}
	return StatusSuccess
}

// most is a port's MaxMessageLength.
func most(o engine.Object) int { return o.(interface{ MaxLength() int }).MaxLength() }
