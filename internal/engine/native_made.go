package engine

import (
	"encoding/binary"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/wire"
)

// made makes a message that does not come off a ring: the system's, a connection request,
// or one of a thread of this process to its own port. h's lengths are those of data; from
// is the port that it is said to come through.
func (d *dispatcher) made(h wire.PortMessage, data []byte, from pool.Addr) (*Message, error) {
	m, err := d.newMessage()
	if err != nil {
		return nil, err
	}
	r := m.rec
	h.DataLength, h.TotalLength = uint16(len(data)), uint16(len(data))+wire.HeaderSize
	r.Request = h
	copy(r.Data[:], data)
	r.SenderPort, r.ReceiveTime = from, channel.Ticks()
	m.in = channel.Message{Header: &r.Request, Data: &r.Data, Length: len(data)}
	return m, nil
}

// notice is the data of a message about an end: when what has ended began.
func notice(created uint64) []byte { return binary.LittleEndian.AppendUint64(nil, created) }
