package ntconform

import (
	"encoding/binary"
	"fmt"
	"reflect"

	"github.com/seed-eedd8485/lpc/nt"
	"golang.org/x/sys/unix"
)

// alloc gives pages of zeros whose address stays.
func (x *executor) alloc(size int) (string, error) {
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return "", err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	addr := uint64(reflect.ValueOf(b).Pointer())
	x.memory[addr] = b
	return hexNumber(addr), nil
}

// protect takes all access away from a part of what alloc gave.
func (x *executor) protect(addr, size uint64) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for at, b := range x.memory {
		if addr >= at && addr+size <= at+uint64(len(b)) {
			return unix.Mprotect(b[addr-at:addr-at+size], unix.PROT_NONE)
		}
	}
	return fmt.Errorf("%#x bytes at %#x are in nothing that was allocated", size, addr)
}

// fromBytes and toBytes translate between a message and its memory, without unsafe:
// the suite then also holds the order of the fields.
func fromBytes(m *nt.Message, b []byte) {
	le := binary.LittleEndian
	m.DataLength, m.TotalLength, m.Type, m.DataInfoOffset = le.Uint16(b), le.Uint16(b[2:]), le.Uint16(b[4:]), le.Uint16(b[6:])
	m.ClientID = nt.ClientID{UniqueProcess: le.Uint64(b[8:]), UniqueThread: le.Uint64(b[0x10:])}
	m.MessageID, m.CallbackID = le.Uint32(b[0x18:]), le.Uint64(b[0x20:])
	copy(m.Body[:], b[nt.HeaderSize:])
}

// toBytes gives 0 for the header's four bytes of padding, which have no name.
func toBytes(m *nt.Message) []byte {
	le := binary.LittleEndian
	b := make([]byte, 0, MessageSize)
	for _, v := range []uint16{m.DataLength, m.TotalLength, m.Type, m.DataInfoOffset} {
		b = le.AppendUint16(b, v)
	}
	b = le.AppendUint64(b, m.ClientID.UniqueProcess)
	b = le.AppendUint64(b, m.ClientID.UniqueThread)
	b = le.AppendUint64(b, uint64(m.MessageID))
	b = le.AppendUint64(b, m.CallbackID)
	return append(b, m.Body[:]...)
}
