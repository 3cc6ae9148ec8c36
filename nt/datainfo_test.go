package nt

import "testing"

// TestNestedDataInfo: the ranges of a request are known as long as its thread waits for
// that one, also after it has sent another in between, while it was called back.
func TestNestedDataInfo(t *testing.T) {
	s, s2, c := thread(t), thread(t), thread(t)
	ccp, scp, clp := connected(t, s, c)
	outer, inner := []byte("outer memory"), []byte("inner memory")
	done := make(chan Status, 1)
	go func() {
		q := withRanges(outer)
		if st := c.NtRequestWaitReplyPort(clp, &q, &q); st != StatusSuccess || q.Type != LPCRequest {
			t.Errorf("the outer request: %v, type %d; want a callback", st, q.Type)
		}
		back := q
		n := withRanges(inner)
		if st := c.NtRequestWaitReplyPort(clp, &n, &n); st != StatusSuccess || n.Type != LPCReply {
			t.Errorf("the inner request: %v, type %d; want its reply", st, n.Type)
		}
		back.SetData([]byte("yes"))
		done <- c.NtReplyWaitReplyPort(clp, &back) // waits for the outer reply again
	}()
	m, _ := receive(t, s, ccp)
	buf := make([]byte, len(outer))
	must(t, s.NtReadRequestData(scp, &m, 0, buf, nil))
	q := m
	q.Type, q.DataInfoOffset = LPCRequest, 0
	q.SetData([]byte("back?"))
	called := make(chan Status, 1)
	go func() { var r Message; called <- s.NtRequestWaitReplyPort(scp, &q, &r) }()
	in, _ := receive(t, s2, ccp)
	must(t, s2.NtReadRequestData(scp, &in, 0, buf, nil))
	if string(buf) != string(inner) {
		t.Errorf("the inner request lists %q", buf)
	}
	if st := s2.NtReadRequestData(scp, &m, 0, buf, nil); st != StatusReplyMessageMismatch {
		t.Errorf("the outer request's memory while its sender waits for another: %v", st)
	}
	answer(t, s2, scp, &in)
	must(t, <-called)
	must(t, s.NtReadRequestData(scp, &m, 0, buf, nil))
	if string(buf) != string(outer) {
		t.Errorf("the outer request lists %q", buf)
	}
	answer(t, s, scp, &m)
	must(t, <-done)
}

// answer replies to m without data.
func answer(t *testing.T, s *Thread, h Handle, m *Message) {
	t.Helper()
	r := data("")
	r.ClientID, r.MessageID = m.ClientID, m.MessageID
	must(t, s.NtReplyPort(h, &r))
}
