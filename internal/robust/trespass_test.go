package robust

import (
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A trespass is something that no client does which follows the protocol.
type trespass struct {
	name string
	do   func(r *raw)
	says string // in the server's error and in the CLOSE frame; "" if the server lives with it
}

var badFrames = []trespass{
	{"frame of 2 bytes", func(r *raw) { _ = r.send(make([]byte, 2)) }, "frame of 2 bytes"},
	{"frame of 39 bytes", func(r *raw) { _ = r.send(frame(frameGrow, 1, "")[:39]) }, "frame of 39 bytes"},
	{"frame too long", func(r *raw) { _ = r.send(frame(frameGrow, 1, strings.Repeat("x", 261))) }, "at most 260"},
	{"frame far too long", func(r *raw) { _ = r.send(make([]byte, 60000)) }, "more than 300 bytes"},
	{"magic", func(r *raw) { _ = r.send(with(frame(frameGrow, 1, ""), 0, uint32(7))) }, "begins with"},
	{"version", func(r *raw) { _ = r.send(with(frame(frameGrow, 1, ""), frameVersion, uint16(9))) }, "version 9"},
	{"length of the text", func(r *raw) { _ = r.send(with(frame(frameGrow, 1, "abc"), frameText, uint16(4))) }, "says 4 bytes"},
	{"kind 0", func(r *raw) { _ = r.send(frame(0, 1, "")) }, "unknown kind 0"},
	{"kind 10", func(r *raw) { _ = r.send(frame(10, 1, "")) }, "unknown kind 10"},
	{"VIEW", func(r *raw) { _ = r.send(frame(8, 1, "")) }, "VIEW frame"},
	{"VIEW with a descriptor", func(r *raw) { _ = r.send(frame(8, 1, ""), 0) }, "VIEW frame"},
	{"IDENTITY", func(r *raw) { _ = r.send(frame(9, 1, "")) }, "IDENTITY frame"},
	{"descriptor with garbage", func(r *raw) { _ = r.send(make([]byte, 100), 0) }, "begins with"},
	{"two descriptors", func(r *raw) { _ = r.send(frame(frameGrow, 1, ""), 0, 1) }, "more than one descriptor"},
	{"eight descriptors", func(r *raw) { _ = r.send(frame(frameGrow, 1, ""), 0, 1, 2, 0, 1, 2, 0, 1) }, "more than one descriptor"},
	{"bell with a descriptor", func(r *raw) { _ = r.send([]byte{0}, 0) }, "frame of 1 bytes"},
	{"descriptor alone", func(r *raw) { _ = r.send(nil, 0) }, "want at least 40"},
	{"ACCEPT", func(r *raw) { _ = r.send(frame(frameAccept, 1, "")) }, "ACCEPT frame"},
	{"REFUSE", func(r *raw) { _ = r.send(frame(frameRefuse, 1, "")) }, "REFUSE frame"},
	{"SECTION", func(r *raw) { _ = r.send(frame(frameSection, 1, "")) }, "SECTION frame"},
	{"SECTION with a descriptor", func(r *raw) { _ = r.send(frame(frameSection, 1, ""), 0) }, "SECTION frame, with descriptor: true"},
	{"DENY", func(r *raw) { _ = r.send(frame(frameDeny, 1, "")) }, "DENY frame"},
}

var badFramesLater = []trespass{
	{"CONNECT again", func(r *raw) { _ = r.send(frame(frameConnect, 1, "")) }, "CONNECT frame"},
	{"GROW with a descriptor", func(r *raw) { _ = r.send(frame(frameGrow, 1, ""), 0) }, "GROW frame, with descriptor: true"},
	{"CLOSE with a descriptor", func(r *raw) { _ = r.send(frame(frameClose, 0, ""), 0) }, "CLOSE frame, with descriptor: true"},
	{"GROW, answers unread", func(r *raw) {
		for range 100_000 {
			if r.send(frame(frameGrow, 1, "")) != nil {
				return
			}
		}
	}, "does not read"},
}

// one is a request in slot 0 with something wrong.
func one(spoil func(r *raw, at int)) func(r *raw) {
	return func(r *raw) {
		at := r.request(0, "x")
		spoil(r, at)
		r.publish(1, 0)
	}
}

var badChannels = []trespass{
	{"lap", func(r *raw) { r.request(0, "x"); r.entry(9<<16 | 1<<12) }, "ring entry 0 holds 0x91000"},
	{"kind 0", func(r *raw) { r.publish(0, 0) }, "kind 0"},
	{"kind 4", func(r *raw) { r.publish(4, 0) }, "kind 4"},
	{"slot 127", func(r *raw) { r.publish(1, 127) }, "index 127"},
	{"slot 4095", func(r *raw) { r.publish(3, 4095) }, "index 4095"},
	{"cell out of turn", func(r *raw) { r.message(r.cell(5), "x"); r.publish(2, 5) }, "the next cell is 0"},
	{"generation", one(func(r *raw, at int) { r.put64(at, 99<<3|waiting) }), "generation 99, want 1"},
	{"place", func(r *raw) {
		at := r.request(0, "x")
		r.put16(at+slotPlace, uint16(r.pos+7))
		r.entry(r.pos>>8<<16 | 1<<12)
	}, "its place in the ring is 263"},
	{"state free", one(func(r *raw, at int) { r.put64(at, 1<<3) }), "state 0"},
	{"state done", one(func(r *raw, at int) { r.put64(at, 1<<3|done) }), "state 2"},
	{"state 7", one(func(r *raw, at int) { r.put64(at, 1<<3|7) }), "state 7"},
	{"detached as a request", one(func(r *raw, at int) { r.put64(at, 1<<3|detached) }), "state 5"},
	{"request as detached", func(r *raw) { r.request(0, "x"); r.publish(3, 0) }, "state 1"},
	{"data length", one(func(r *raw, at int) { r.put16(at+msgData, 305) }), "data length 305"},
	{"data length 65535", one(func(r *raw, at int) { r.put16(at+msgData, 65535) }), "data length 65535"},
	{"flags", one(func(r *raw, at int) { r.put16(at+msgFlags, 8) }), "flags 0x8"},
	{"control request", one(func(r *raw, at int) { r.put16(at+msgFlags, 4) }), "memory of a thread that lists none"},
	{"size of data info", one(func(r *raw, at int) { r.dataInfo(at, 1<<40, 1); r.message(at, "y"); r.put16(at+msgFlags, 1) }), "with 1 bytes of data"},
	{"section that is not there", one(func(r *raw, at int) { r.dataInfo(at, 7<<40, 1) }), "section 7"},
	{"no data entries", one(func(r *raw, at int) { r.dataInfo(at, 1<<40, 1); r.put64(at+infoCount, 0) }), "0 data entries"},
	{"data larger than the limit", one(func(r *raw, at int) { r.dataInfo(at, 1<<40, 1<<62) }), "at most 1073741824"},
	{"datagram with a section that is not there", func(r *raw) { r.dataInfo(r.cell(0), 7<<40, 1); r.publish(2, 0) }, "in a section"},
	{"length of a datagram", func(r *raw) { r.message(r.cell(0), "x"); r.put16(r.cell(0)+msgData, 400); r.publish(2, 0) }, "data length 400"},
	{"published while served", func(r *raw) { r.served("hold"); r.request(0, "x"); r.publish(1, 0) }, "published again"},
	{"word while served", func(r *raw) { r.served("await"); r.put64(r.slot(0), 55); r.request(1, "go"); r.publish(1, 1) }, "changed to 0x37"},
	{"grown section, offset", grown(func(r *raw, at int) { r.dataInfo(at, 1<<40|16385, 1) }), "at offset 16385"},
	{"grown section, length", grown(func(r *raw, at int) { r.dataInfo(at, 1<<40|16384, 1) }), "1 bytes at offset 16384"},
	{"grown section, length that wraps", grown(func(r *raw, at int) { r.dataInfo(at, 1<<40|8, 1<<64-8) }), "at most 1073741824"},
	{"reply to a callback, word", answer(func(r *raw, at int) { r.put64(at, 0xdead) }), "holds 0xdead"},
	{"reply to a callback, free", answer(func(r *raw, at int) { r.put64(at, 1<<3) }), "holds 0x8"},
	{"reply to a callback, length", answer(func(r *raw, at int) { r.put16(at+msgData, 500); r.put64(at, 1<<3|done) }), "data length 500"},
	{"reply to a callback, section", answer(func(r *raw, at int) { r.dataInfo(at, 9<<40, 5); r.put64(at, 1<<3|done) }), "section 9"},
	{"reply to a callback, status", answer(func(r *raw, at int) { r.message(at, ""); r.put16(at+slotStatus, 99); r.put64(at, 1<<3|done) }), "status 99"},

	{"lost", one(func(r *raw, at int) { r.put64(at, 1<<3|lost) }), ""},
	{"abandoned", one(func(r *raw, at int) { r.put64(at, 1<<3|abandoned) }), ""},
	{"processors, sleepers, progress", func(r *raw) {
		for i := range 300 {
			for _, at := range []int{lineSleep, lineRoom, lineState, lineHead, lineCells, lineTail} {
				r.put32(toServer.lines+at, uint32(i*7919))
				r.put32(toClient.lines+at, uint32(i*7919))
			}
			r.put16(r.slot(0)+slotCPU, uint16(i))
			r.bell()
		}
	}, ""},
	{"header", func(r *raw) { clear(r.mem[:0x80]) }, ""},
	{"holes", func(r *raw) { _ = unix.Madvise(r.mem, unix.MADV_REMOVE) }, ""},
}

// grown has a section of 16 KiB with number 1 first.
func grown(spoil func(r *raw, at int)) func(r *raw) {
	return func(r *raw) {
		_ = r.send(frame(frameGrow, 100, ""))
		_, fds, _ := r.read()
		closeAll(fds)
		one(spoil)(r)
	}
}

// served has a request in slot 0 taken by the server.
func (r *raw) served(data string) {
	r.request(0, data)
	r.publish(1, 0)
	eventually(hangs, func() bool { return atomic.LoadUint32(r.word32(r.d.lines+lineHead)) == r.pos })
}

// answer has the server call back, and answers that.
func answer(spoil func(r *raw, at int)) func(r *raw) {
	return func(r *raw) {
		r.request(0, "callback")
		r.publish(1, 0)
		at := toClient.slots
		eventually(hangs, func() bool { return r.mem[at] != 0 })
		spoil(r, at)
		r.put32(toClient.hints, 1<<16)
		r.put32(toClient.lines+lineTail, 129)
		r.put32(toClient.lines+lineSleep, 0)
		_ = wakeFutex(r.word32(toClient.lines + lineSleep))
		r.bell()
	}
}
