package ntconform

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/seed-eedd8485/lpc/nt"
)

// MessageSize is the size of every message buffer: the largest message.
const MessageSize = nt.MaxMessageLength

// unwritten fills memory in which nothing may appear that was not put there.
const unwritten = 0xA5

// A message is a PORT_MESSAGE with data, as bytes: what a call was given or gave.
type message []byte

func newMessage() message {
	m := bytes.Repeat([]byte{unwritten}, MessageSize)
	clear(m[0x1c:0x20]) // padding, which a driver cannot name
	return m
}

// Offsets of the header's fields, and their sizes (lpc reference c.1, 64-bit).
var messageFields = map[string]struct{ offset, size int }{
	"DataLength": {0, 2}, "TotalLength": {2, 2}, "Type": {4, 2}, "DataInfoOffset": {6, 2},
	"UniqueProcess": {8, 8}, "UniqueThread": {0x10, 8}, "MessageId": {0x18, 4},
	"ClientViewSize": {0x20, 8}, "CallbackId": {0x20, 4},
}

func (m message) get(field string) (uint64, bool) {
	f, ok := messageFields[field]
	if !ok {
		return 0, false
	}
	b := m[f.offset : f.offset+f.size]
	switch f.size {
	case 2:
		return uint64(binary.LittleEndian.Uint16(b)), true
	case 4:
		return uint64(binary.LittleEndian.Uint32(b)), true
	}
	return binary.LittleEndian.Uint64(b), true
}

func (m message) set(field string, v uint64) error {
	f, ok := messageFields[field]
	if !ok {
		return fmt.Errorf("a message has no field %q", field)
	}
	b := m[f.offset : f.offset+f.size]
	switch f.size {
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(v))
	default:
		binary.LittleEndian.PutUint64(b, v)
	}
	return nil
}

// setData sets the data and both lengths.
func (m message) setData(b []byte) {
	copy(m[nt.HeaderSize:], b)
	_ = m.set("DataLength", uint64(len(b)))
	_ = m.set("TotalLength", uint64(len(b)+nt.HeaderSize))
}

func (m message) data() []byte {
	n, _ := m.get("DataLength")
	return m[nt.HeaderSize:min(nt.HeaderSize+int(n), len(m))]
}

// rest is what a receiver must find as it was: calls copy data in units of 4 bytes.
func (m message) rest() []byte {
	n, _ := m.get("DataLength")
	return m[min(nt.HeaderSize+int(n+3)&^3, len(m)):]
}
