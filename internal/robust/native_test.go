package robust

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/nt"
)

// A nativePort is a port of the native API, with a client that writes what it likes.
type nativePort struct {
	*nt.Thread           // the server's
	port, conn nt.Handle // of the port, and of the server's end of the connection
	r          *raw
}

func newNativePort(t *testing.T) *nativePort {
	t.Helper()
	th, err := nt.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	p := &nativePort{Thread: th}
	name := `\RPC Control\` + portName(t)
	if s := p.NtCreatePort(&p.port, &nt.ObjectAttributes{ObjectName: &name}, nt.MaxConnectionInfo, nt.MaxMessageLength, 0); s != nt.StatusSuccess {
		t.Fatal(s)
	}
	connected := make(chan error, 1)
	go func() {
		r, err := rawDial(portName(t))
		if err == nil {
			r.d = &toServer
			p.r = r
			err = r.send(with(with(with(frame(frameConnect, 304, ""), frameFlags, uint16(1)), frameNumber, uint32(1234)), frameSectionNo, uint32(1<<30)))
		}
		if err == nil {
			var fds []int
			if _, fds, err = r.read(); err == nil {
				r.mem, err = unix.Mmap(fds[0], 0, channel.Size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
				closeAll(fds)
			}
		}
		connected <- err
	}()
	var m nt.Message
	s := p.NtListenPort(p.port, &m)
	if s == nt.StatusSuccess {
		s = p.NtAcceptConnectPort(&p.conn, 1, &m, true, nil, nil)
	}
	if s == nt.StatusSuccess {
		s = p.NtCompleteConnectPort(p.conn)
	}
	if err := receive(t, "a connection", connected); err != nil || s != nt.StatusSuccess {
		t.Fatal(err, s)
	}
	t.Cleanup(func() {
		p.r.close()
		p.NtClose(p.conn)
		p.NtClose(p.port)
		p.Exit()
	})
	return p
}

// Lengths in a received header are the program's to send on: what no honest sender could
// have given ends the connection.
func TestNativeLengths(t *testing.T) {
	for name, extra := range map[string]uint32{
		"a sum beyond 16 bits": 0xfff8 << 16, "more than the port's messages": 0x7000 << 16,
		"data-info behind the message": 0xfff8, "data-info in the header": 8,
	} {
		t.Run(name, func(t *testing.T) {
			p := newNativePort(t)
			at := p.r.request(0, "hello")
			p.r.put32(at+msgCallback+4, extra)
			p.r.publish(1, 0)
			var m nt.Message
			if s := p.NtReplyWaitReceivePort(p.port, nil, nil, &m); s != nt.StatusSuccess || m.Type != nt.LPCPortClosed {
				t.Errorf("%v, a message of type %d with DataLength %d, TotalLength %d, DataInfoOffset %d; want LPC_PORT_CLOSED", s, m.Type, m.DataLength, m.TotalLength, m.DataInfoOffset)
			}
			if reason, text, err := p.r.farewell(); err != nil || reason != 4 {
				t.Errorf("the client was told reason %d, %q, %v; want 4", reason, text, err)
			}
		})
	}
}

// A client sends datagrams that nobody receives, while a thread of the server waits for its
// answer: what the server keeps of them is bounded, and the answer comes through.
func TestNativeFlood(t *testing.T) {
	const kept, cells = 512, 128
	p := newNativePort(t)
	r := p.r
	r.request(0, "question")
	r.publish(1, 0)
	var m nt.Message
	if s := p.NtReplyWaitReceivePort(p.port, nil, nil, &m); s != nt.StatusSuccess {
		t.Fatal(s)
	}
	back := make(chan nt.Status, 1)
	go func() {
		m.Type = nt.LPCRequest
		m.SetData([]byte("back?"))
		back <- p.NtRequestWaitReplyPort(p.conn, &m, &m)
	}()
	within(t, "the callback", func() {
		for *r.word32(toClient.ring) == 0 {
			runtime.Gosched()
		}
	})
	given := r.word32(r.d.lines + lineCells)
	sent := uint32(0)
	send := func() {
		r.message(r.cell(int(sent%cells)), "flood")
		r.put16(r.cell(int(sent%cells))+slotPlace, uint16(r.pos))
		r.entry(r.pos>>8<<16 | 2<<12 | sent%cells)
		sent++
	}
	within(t, "room for a flood", func() {
		for sent < kept-1+cells { // the question is one of those that are kept
			if sent-*given < cells {
				send()
			}
			runtime.Gosched()
		}
		for *r.word32(r.d.lines + lineHead) != r.pos {
			runtime.Gosched()
		}
	})
	if *given > kept {
		t.Errorf("%d of %d datagrams that nobody has received were given room for, want at most %d", *given, sent, kept)
	}
	// The answer to the callback, as its slot has it.
	slot := toClient.slots
	w := *r.word64(slot + slotWord)
	r.put16(slot+msgData, 0)
	r.put16(slot+msgFlags, 0)
	r.put16(slot+slotStatus, 0)
	r.put64(slot+slotWord, w&^7|done)
	r.put32(toClient.lines+lineSleep, 0)
	_ = wakeFutex(r.word32(toClient.lines + lineSleep))
	r.bell()
	if s := receive(t, "the answer to the callback", back); s != nt.StatusSuccess {
		t.Fatalf("the callback: %v", s)
	}
	for range sent {
		if s := p.NtReplyWaitReceivePort(p.port, nil, nil, &m); s != nt.StatusSuccess || m.Type != nt.LPCDatagram {
			t.Fatalf("receiving: %v, type %d", s, m.Type)
		}
	}
	limit := int64(0)
	p.NtReplyWaitReceivePortEx(p.port, nil, nil, &m, &limit)
	within(t, "room again", func() {
		for *given != sent {
			p.NtReplyWaitReceivePortEx(p.port, nil, nil, &m, &limit)
		}
	})
}
