package nt

import (
	"bytes"
	"encoding/binary"
	"testing"
	"unsafe"
)

// receive gives the port's next message.
func receive(t testing.TB, th *Thread, h Handle) (m Message, context uintptr) {
	t.Helper()
	must(t, th.NtReplyWaitReceivePort(h, &context, nil, &m))
	return m, context
}

func data(s string) (m Message) { m.SetData([]byte(s)); return m }

func TestCallback(t *testing.T) {
	s, c := thread(t), thread(t)
	ccp, scp, clp := connected(t, s, c)
	done := make(chan Status)
	go func() {
		q := data("one")
		if st := c.NtRequestWaitReplyPort(clp, &q, &q); st != StatusSuccess || q.Type != LPCRequest || string(q.Data()) != "back?" {
			t.Errorf("the client got %v, type %d, %q; want a callback", st, q.Type, q.Data())
		}
		if q.ClientID != s.ClientID() || q.CallbackID == 0 {
			t.Errorf("the callback comes from %v with CallbackId %d", q.ClientID, q.CallbackID)
		}
		q.SetData([]byte("yes"))
		st := c.NtReplyWaitReplyPort(clp, &q)
		if string(q.Data()) != "done" || q.Type != LPCReply {
			t.Errorf("the client got type %d, %q in the end", q.Type, q.Data())
		}
		done <- st
	}()
	m, _ := receive(t, s, ccp)
	q := m
	q.Type = LPCRequest
	q.SetData([]byte("back?"))
	var r Message
	must(t, s.NtRequestWaitReplyPort(scp, &q, &r))
	if string(r.Data()) != "yes" || r.Type != LPCReply || r.MessageID != m.MessageID {
		t.Errorf("the server got type %d, id %#x of %#x, %q", r.Type, r.MessageID, m.MessageID, r.Data())
	}
	m.SetData([]byte("done"))
	must(t, s.NtReplyPort(ccp, &m))
	must(t, <-done)
	if st := s.NtReplyPort(ccp, &m); st != StatusReplyMessageMismatch {
		t.Errorf("a second reply: %v", st)
	}
}

func TestDatagramsAndClose(t *testing.T) {
	s, c := thread(t), thread(t)
	ccp, scp, clp := connected(t, s, c)
	for _, text := range []string{"a", "b"} {
		m := data(text)
		must(t, c.NtRequestPort(clp, &m))
	}
	back := data("to the client")
	must(t, s.NtRequestPort(scp, &back))
	if m, _ := receive(t, c, clp); m.Type != LPCDatagram || string(m.Data()) != "to the client" {
		t.Errorf("the client got type %d, %q", m.Type, m.Data())
	}
	must(t, c.NtRegisterThreadTerminatePort(clp))
	must(t, c.NtRegisterThreadTerminatePort(clp))
	c.Exit()
	must(t, s.NtClose(clp)) // another thread of the process
	for _, want := range []struct {
		typ uint16
		s   string
	}{{LPCDatagram, "a"}, {LPCDatagram, "b"}, {LPCClientDied, ""}, {LPCClientDied, ""}, {LPCPortClosed, ""}} {
		m, ctx := receive(t, s, ccp)
		if m.Type != want.typ || ctx != 0x77 || want.s != "" && string(m.Data()) != want.s || want.s == "" && m.DataLength != 8 {
			t.Errorf("got type %d, context %#x, %q; want type %d, %q", m.Type, ctx, m.Data(), want.typ, want.s)
		}
		if m.MessageID == 0 {
			t.Error("a message without a MessageId")
		}
	}
	var m Message
	if st := s.NtReplyWaitReceivePort(scp, nil, nil, &m); st != StatusPortDisconnected {
		t.Errorf("receiving on the severed port: %v", st)
	}
	if st := s.NtRequestPort(scp, &m); st != StatusInvalidParameter {
		t.Errorf("sending a message of no length: %v", st)
	}
	m.SetData(nil)
	if st := s.NtRequestPort(scp, &m); st != StatusPortDisconnected {
		t.Errorf("sending through the severed port: %v", st)
	}
	zero := int64(0)
	if st := s.NtReplyWaitReceivePortEx(ccp, nil, nil, &m, &zero); st != StatusTimeout {
		t.Errorf("a poll of the empty queue: %v", st)
	}
}

// withRanges is a request that lists memory.
func withRanges(list ...[]byte) (q Message) {
	q.SetData(make([]byte, 8+16*len(list)))
	q.DataInfoOffset = HeaderSize
	binary.LittleEndian.PutUint32(q.Body[:], uint32(len(list)))
	for i, b := range list {
		binary.LittleEndian.PutUint64(q.Body[8+16*i:], uint64(uintptr(unsafe.Pointer(&b[0]))))
		binary.LittleEndian.PutUint64(q.Body[16+16*i:], uint64(len(b)))
	}
	return q
}

func TestRequestData(t *testing.T) {
	s, c := thread(t), thread(t)
	ccp, scp, clp := connected(t, s, c)
	in, out := bytes.Repeat([]byte("x"), 100_000), make([]byte, 64)
	done := make(chan Status)
	go func() {
		q := withRanges(in, out)
		done <- c.NtRequestWaitReplyPort(clp, &q, &q)
	}()
	m, _ := receive(t, s, ccp)
	if m.DataInfoOffset != HeaderSize {
		t.Errorf("DataInfoOffset %#x", m.DataInfoOffset)
	}
	buf := make([]byte, len(in))
	var n uint64
	must(t, s.NtReadRequestData(scp, &m, 0, buf, &n))
	if n != uint64(len(in)) || !bytes.Equal(buf, in) {
		t.Errorf("read %d bytes, equal: %v", n, bytes.Equal(buf, in))
	}
	must(t, s.NtWriteRequestData(scp, &m, 1, []byte("written"), nil))
	if st := s.NtReadRequestData(scp, &m, 2, buf[:1], nil); st != StatusInvalidParameter {
		t.Errorf("entry 2 of 2: %v", st)
	}
	if st := s.NtReadRequestData(scp, &m, 1, buf[:65], nil); st != StatusInvalidParameter {
		t.Errorf("65 bytes of 64: %v", st)
	}
	r := data("")
	r.ClientID, r.MessageID = m.ClientID, m.MessageID
	must(t, s.NtReplyPort(scp, &r))
	must(t, <-done)
	if string(out[:7]) != "written" {
		t.Errorf("the client's memory holds %q", out[:7])
	}
	if st := s.NtReadRequestData(scp, &m, 0, buf[:1], nil); st != StatusInvalidParameter {
		t.Errorf("after the reply: %v", st)
	}
}

func TestViews(t *testing.T) {
	s, c := thread(t), thread(t)
	name := `\Test\Views`
	var ccp, scp, clp, mine, theirs Handle
	must(t, s.NtCreatePort(&ccp, &ObjectAttributes{ObjectName: &name}, 8, MaxMessageLength, 0))
	t.Cleanup(func() { s.NtClose(ccp) })
	size := int64(0x5000)
	must(t, c.NtCreateSection(&mine, SectionAll, nil, &size, PageReadWrite, 0, 0))
	must(t, s.NtCreateSection(&theirs, SectionAll, nil, &size, PageReadWrite, 0, 0))
	cv, sr := PortView{Length: PortViewSize, SectionHandle: mine, SectionOffset: 0x1000, ViewSize: 0x1001}, RemotePortView{Length: RemotePortViewSize}
	done := make(chan Status)
	info, n, most := []byte("0123456789"), uint32(10), uint32(0)
	go func() { done <- c.NtConnectPort(&clp, &name, qos(), &cv, &sr, &most, info, &n) }()
	m, ctx := receive(t, s, ccp)
	if m.Type != LPCConnectionRequest || ctx != 0 || string(m.Data()) != "01234567" || m.CallbackID != 0x2000 {
		t.Errorf("the request has type %d, context %#x, data %q, view of %#x bytes", m.Type, ctx, m.Data(), m.CallbackID)
	}
	m.SetData([]byte("welcome"))
	sv, cr := PortView{Length: PortViewSize, SectionHandle: theirs}, RemotePortView{Length: RemotePortViewSize}
	must(t, s.NtAcceptConnectPort(&scp, 0, &m, true, &sv, &cr))
	must(t, s.NtCompleteConnectPort(scp))
	must(t, <-done)
	if cv.ViewRemoteBase != cr.ViewBase || sv.ViewRemoteBase != sr.ViewBase || cr.ViewSize != 0x2000 || sr.ViewSize != 0x5000 || sr.Length != 0 {
		t.Errorf("the views do not agree: %+v %+v %+v %+v", cv, cr, sv, sr)
	}
	copy(View(cv.ViewBase, cv.ViewSize), "from the client")
	copy(View(sv.ViewBase, sv.ViewSize), "from the server")
	if a, b := string(View(cr.ViewBase, 15)), string(View(sr.ViewBase, 15)); a != "from the client" || b != "from the server" {
		t.Errorf("the views show %q and %q", a, b)
	}
	if string(info[:n]) != "welcome" || most != MaxMessageLength {
		t.Errorf("information %q, MaxMessageLength %#x", info[:n], most)
	}
	q := data("")
	must(t, c.NtRequestPort(clp, &q))
	if _, ctx := receive(t, s, scp); ctx != uintptr(scp) {
		t.Errorf("the context is %#x, want the handle %#x", ctx, scp)
	}
}

func TestRefuse(t *testing.T) {
	s, c := thread(t), thread(t)
	name := `\Test\Refuse`
	var ccp, scp, clp Handle
	must(t, s.NtCreatePort(&ccp, &ObjectAttributes{ObjectName: &name}, 100, MaxMessageLength, 0))
	t.Cleanup(func() { s.NtClose(ccp) })
	done := make(chan Status)
	info, n := []byte("please"), uint32(6)
	go func() { done <- c.NtConnectPort(&clp, &name, qos(), nil, nil, nil, info, &n) }()
	m, _ := receive(t, s, ccp)
	if st := s.NtReplyPort(ccp, &m); st != StatusReplyMessageMismatch {
		t.Errorf("a reply to a connector: %v", st)
	}
	m.SetData([]byte("no"))
	must(t, s.NtAcceptConnectPort(&scp, 0, &m, false, nil, nil))
	if st := <-done; st != StatusPortConnectionRefused || string(info[:n]) != "no" || clp != 0 || scp != 0 {
		t.Errorf("%v, %q, handles %#x %#x", st, info[:n], clp, scp)
	}
	if st := s.NtAcceptConnectPort(&scp, 0, &m, true, nil, nil); st != StatusReplyMessageMismatch {
		t.Errorf("accepting what was refused: %v", st)
	}
}

func TestLoopBack(t *testing.T) {
	a, b := thread(t), thread(t)
	var unp Handle
	must(t, a.NtCreatePort(&unp, &ObjectAttributes{}, 0, MaxMessageLength, 0))
	done := make(chan Status)
	q := data("to myself")
	go func() { done <- a.NtRequestWaitReplyPort(unp, &q, &q) }()
	m, ctx := receive(t, b, unp)
	if string(m.Data()) != "to myself" || ctx != 0 || m.ClientID != a.ClientID() {
		t.Errorf("got %q, context %d, from %v", m.Data(), ctx, m.ClientID)
	}
	m.SetData([]byte("answer"))
	must(t, b.NtReplyPort(unp, &m))
	must(t, <-done)
	if string(q.Data()) != "answer" || q.Type != LPCReply {
		t.Errorf("the reply is %q, type %d", q.Data(), q.Type)
	}
}

func TestWaitable(t *testing.T) {
	s, c := thread(t), thread(t)
	name := `\Test\Waitable`
	var ccp, scp, clp Handle
	must(t, s.NtCreateWaitablePort(&ccp, &ObjectAttributes{ObjectName: &name}, 100, MaxMessageLength, 0))
	t.Cleanup(func() { s.NtClose(ccp) })
	zero := int64(0)
	if st := s.NtWaitForSingleObject(ccp, false, &zero); st != StatusTimeout {
		t.Errorf("nothing was sent: %v", st)
	}
	done := make(chan Status)
	go func() { done <- c.NtConnectPort(&clp, &name, qos(), nil, nil, nil, nil, nil) }()
	must(t, s.NtWaitForSingleObject(ccp, false, nil))
	m, _ := receive(t, s, ccp)
	must(t, s.NtAcceptConnectPort(&scp, 0, &m, true, nil, nil))
	must(t, s.NtCompleteConnectPort(scp))
	must(t, <-done)
	for range 3 {
		q := data("x")
		must(t, c.NtRequestPort(clp, &q))
		must(t, c.NtRequestPort(clp, &q))
		for range 2 {
			must(t, s.NtWaitForSingleObject(ccp, false, nil))
			if m, _ := receive(t, s, ccp); m.Type != LPCDatagram {
				t.Errorf("type %d", m.Type)
			}
		}
		if st := s.NtWaitForSingleObject(scp, false, &zero); st != StatusTimeout {
			t.Errorf("all was received: %v", st)
		}
	}
	must(t, s.NtClose(ccp))
	q := data("still")
	must(t, c.NtRequestPort(clp, &q))
	if m, _ := receive(t, s, scp); string(m.Data()) != "still" {
		t.Errorf("after the connection port's end: %q", m.Data())
	}
}

func TestClientDies(t *testing.T) {
	s, c := thread(t), thread(t)
	ccp, scp, clp := connected(t, s, c)
	done := make(chan Status)
	go func() { q := data("x"); done <- c.NtRequestWaitReplyPort(clp, &q, &q) }()
	m, _ := receive(t, s, ccp)
	must(t, s.NtClose(scp))
	if st := <-done; st != StatusLPCReplyLost {
		t.Errorf("the server closed its port: %v", st)
	}
	if st := s.NtReplyPort(ccp, &m); st != StatusReplyMessageMismatch {
		t.Errorf("a reply after that: %v", st)
	}
	q := data("x")
	if st := c.NtRequestWaitReplyPort(clp, &q, &q); st != StatusPortDisconnected {
		t.Errorf("a request after that: %v", st)
	}
	if st := c.NtReplyWaitReceivePort(clp, nil, nil, &q); st != StatusPortDisconnected {
		t.Errorf("a receive after that: %v", st)
	}
}

// A port that a thread registered with may go before the thread does.
func TestRegisteredPortGoesFirst(t *testing.T) {
	s, c := thread(t), thread(t)
	var unp Handle
	must(t, s.NtCreatePort(&unp, &ObjectAttributes{}, 0, MaxMessageLength, 0))
	must(t, c.NtRegisterThreadTerminatePort(unp))
	must(t, s.NtClose(unp))
	c.Exit()
	var m Message
	m.SetData(nil)
	m.MessageID = 1
	for name, st := range map[string]Status{
		"a request": c.NtRequestWaitReplyPort(unp, &m, &m), "a second registration": c.NtRegisterThreadTerminatePort(unp),
	} {
		if st != StatusThreadIsTerminating && st != StatusInvalidHandle {
			t.Errorf("%s of a thread that has ended: %v", name, st)
		}
	}
}

// A thread that has ended makes no call any more, whatever it had before.
func TestEndedThread(t *testing.T) {
	s, c := thread(t), thread(t)
	ccp, _, clp := connected(t, s, c)
	done := make(chan Status)
	go func() { q := data("x"); done <- c.NtRequestWaitReplyPort(clp, &q, &q) }()
	m, _ := receive(t, s, ccp)
	other := thread(t)
	s.Exit()
	for name, st := range map[string]Status{
		"receive": s.NtReplyWaitReceivePort(ccp, nil, nil, &m), "reply": s.NtReplyPort(ccp, &m), "datagram": s.NtRequestPort(clp, &m),
	} {
		if st != StatusThreadIsTerminating {
			t.Errorf("%s: %v", name, st)
		}
	}
	must(t, other.NtReplyPort(ccp, &m)) // any thread may
	must(t, <-done)
}
