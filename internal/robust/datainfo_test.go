package robust

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/nt"
)

// A nativeClient is a thread of this process that is connected to a server which writes
// what it likes.
type nativeClient struct {
	th  *nt.Thread
	clp nt.Handle
	r   *raw // the server's end
}

func newNativeClient(t *testing.T) *nativeClient {
	t.Helper()
	srv := rawListen(t)
	th, err := nt.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(th.Exit)
	k := &nativeClient{th: th}
	connected := make(chan nt.Status, 1)
	go func() {
		name, qos := `\RPC Control\`+portName(t), nt.SecurityQualityOfService{Length: 12, ImpersonationLevel: nt.SecurityImpersonation}
		connected <- th.NtConnectPort(&k.clp, &name, &qos, nil, nil, nil, nil, nil)
	}()
	if k.r, err = srv.accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.r.close)
	m, fd, err := channel.Create(1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Unmap() }()
	defer func() { _ = unix.Close(fd) }()
	if k.r.mem, err = unix.Mmap(fd, 0, channel.Size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	accept := with(with(frame(frameAccept, 304, ""), frameFlags, uint16(3)), frameNumber, uint32(nt.MaxMessageLength))
	if err := k.r.send(accept, fd); err != nil {
		t.Fatal(err)
	}
	if s := receive(t, "the client's connect", connected); s != nt.StatusSuccess {
		t.Fatal(s)
	}
	t.Cleanup(func() { th.NtClose(k.clp) })
	return k
}

// posted waits for the client's request in slot 0, and gives its MessageId and thread.
func (k *nativeClient) posted(t *testing.T) (id, thread uint32) {
	t.Helper()
	at := toServer.slots
	if !eventually(hangs, func() bool { return *k.r.word64(at + slotWord)&7 == waiting }) {
		t.Fatal("the client's request has not come")
	}
	return *k.r.word32(at + msgID), *k.r.word32(at + msgID + 4)
}

// answer answers it.
func (k *nativeClient) answer() {
	r, up := k.r, &toServer
	at := up.slots
	r.message(at, "")
	r.put16(at+slotStatus, 0)
	r.put64(at+slotWord, *r.word64(at + slotWord)&^7|done)
	tail := *r.word32(up.lines + lineTail)
	r.put32(up.hints+int(tail%128)*4, tail/128<<16)
	r.put32(up.lines+lineTail, tail+1)
	r.put32(up.lines+lineSleep, 0)
	_ = wakeFutex(r.word32(up.lines + lineSleep))
	r.bell()
}

// TestHostileServerStaleRanges: a server has no way to memory that a request listed which
// was answered long ago, though the client waits again under the same MessageId.
func TestHostileServerStaleRanges(t *testing.T) {
	k := newNativeClient(t)
	r := k.r
	memoryOf := []byte("for the server")
	status := make(chan nt.Status, 1)
	go func() { // the first request lists memory
		var q nt.Message
		q.SetData(make([]byte, 24))
		q.DataInfoOffset = nt.HeaderSize
		binary.LittleEndian.PutUint32(q.Body[:], 1)
		binary.LittleEndian.PutUint64(q.Body[8:], address(memoryOf))
		binary.LittleEndian.PutUint64(q.Body[16:], uint64(len(memoryOf)))
		status <- k.th.NtRequestWaitReplyPort(k.clp, &q, &q)
	}()
	id, thread := k.posted(t)
	k.answer()
	if s := receive(t, "the first reply", status); s != nt.StatusSuccess {
		t.Fatal(s)
	}
	copy(memoryOf, "TOP SECRET now") // it is the program's again

	// A request of the server's with the same MessageId, whose sender the client calls back.
	at := r.request(0, "hello")
	r.put32(at+msgID, id)
	r.put32(at+msgID+4, 99)
	r.publish(1, 0)
	go func() {
		var m nt.Message
		s := k.th.NtReplyWaitReceivePort(k.clp, nil, nil, &m)
		if s == nt.StatusSuccess {
			m.Type = nt.LPCRequest
			m.SetData([]byte("back?"))
			s = k.th.NtRequestWaitReplyPort(k.clp, &m, &m)
		}
		status <- s
	}()
	k.posted(t)
	fd := memory(t, 0, 1<<14, allSeals)
	view, err := unix.Mmap(fd, 0, 1<<14, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(view) }()
	if err := r.send(with(frame(frameSection, 1<<14, ""), frameSectionNo, uint32(1)), fd); err != nil {
		t.Fatal(err)
	}
	at = r.request(1, "") // the control request: read entry 0 into the section
	op := make([]byte, 32)
	binary.LittleEndian.PutUint32(op, 1)
	binary.LittleEndian.PutUint64(op[8:], uint64(len(memoryOf)))
	binary.LittleEndian.PutUint64(op[16:], 1<<40)
	r.message(at, string(op))
	r.put16(at+msgFlags, 4)
	r.put32(at+msgID, id)
	r.put32(at+msgCallback, 5)
	r.put32(at+msgCallback+4, thread)
	r.publish(1, 1)
	if !eventually(hangs, func() bool { return *r.word64(at + slotWord)&7 == done }) {
		t.Fatal("the control request has no answer")
	}
	if string(view[:len(memoryOf)]) == string(memoryOf) {
		t.Errorf("the server has read %q, which no request that waits lists", memoryOf)
	}
	k.answer()
	if s := receive(t, "the answer to the callback", status); s != nt.StatusSuccess {
		t.Error(s)
	}
}

// TestHostileClientSilentData: a client does not answer for the memory that its request
// lists. Who reads it waits no longer than a while, nor past its own thread's end.
func TestHostileClientSilentData(t *testing.T) {
	s, err := nt.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Exit)
	name := `\RPC Control\` + portName(t)
	var ccp, scp nt.Handle
	if st := s.NtCreatePort(&ccp, &nt.ObjectAttributes{ObjectName: &name}, nt.MaxConnectionInfo, nt.MaxMessageLength, 0); st != nt.StatusSuccess {
		t.Fatal(st)
	}
	t.Cleanup(func() { s.NtClose(ccp) })
	r, err := rawDial(portName(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	r.d = &toServer
	connect := with(with(frame(frameConnect, 304, ""), frameFlags, uint16(1)), frameNumber, uint32(1234))
	if err := r.send(with(connect, frameSectionNo, uint32(unix.Getpid()))); err != nil {
		t.Fatal(err)
	}
	var m nt.Message
	if st := s.NtListenPort(ccp, &m); st != nt.StatusSuccess {
		t.Fatal(st)
	}
	if st := s.NtAcceptConnectPort(&scp, 1, &m, true, nil, nil); st != nt.StatusSuccess {
		t.Fatal(st)
	}
	t.Cleanup(func() { s.NtClose(scp) })
	s.NtCompleteConnectPort(scp)
	_, fds, err := r.read()
	if err != nil || len(fds) != 1 {
		t.Fatal(err, fds)
	}
	defer closeAll(fds)
	if r.mem, err = unix.Mmap(fds[0], 0, channel.Size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}

	at := r.request(0, string([]byte{1, 23: 0}))
	r.put32(at+msgID+4, uint32(unix.Getpid())) // a thread that lives
	r.put32(at+msgCallback+4, nt.HeaderSize)   // DataInfoOffset
	r.publish(1, 0)
	if st := s.NtReplyWaitReceivePort(ccp, nil, nil, &m); st != nt.StatusSuccess || m.DataInfoOffset == 0 {
		t.Fatal(st, m.DataInfoOffset)
	}
	read := func(n int) chan nt.Status {
		status := make(chan nt.Status, 1)
		go func() { status <- s.NtReadRequestData(scp, &m, 0, make([]byte, n), nil) }()
		return status
	}
	if st := receive(t, "the read of a silent client's memory", read(8)); st != nt.StatusReplyMessageMismatch {
		t.Errorf("the read of a silent client's memory: %v", st)
	}
	status := read(16 << 20) // which would take seconds
	asked := func() bool { return *r.word64(toClient.slots + slotSize + slotWord)&7 == waiting }
	if !eventually(hangs, asked) {
		t.Fatal("the client was not asked")
	}
	s.Exit()
	if st := receive(t, "the read by a thread that exits", status); st != nt.StatusThreadIsTerminating {
		t.Errorf("the read by a thread that exits: %v", st)
	}
}
