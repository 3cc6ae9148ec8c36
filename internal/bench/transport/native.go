package transport

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/seed-eedd8485/lpc/internal/bench/loops"
	"github.com/seed-eedd8485/lpc/nt"
)

// nativeSystem is the native API from Go: one server thread that answers and receives in
// one call, and a thread a connection. It has no datagrams to measure and no larger data:
// that goes through views, which the native API does not allocate in.
type nativeSystem struct{}

func (nativeSystem) Name() string { return "native" }
func (nativeSystem) Shared() bool { return false }

func nativeName(addr string) *string { return new(`\Bench\` + filepath.Base(addr)) }

func (nativeSystem) Serve(ctx context.Context, addr string) (Server, error) {
	th, err := nt.NewThread()
	if err != nil {
		return nil, err
	}
	s := &nativeServer{thread: th, served: make(chan struct{})}
	if st := th.NtCreatePort(&s.port, &nt.ObjectAttributes{ObjectName: nativeName(addr)}, nt.MaxConnectionInfo, nt.MaxMessageLength, 0); st != nt.StatusSuccess {
		return nil, fmt.Errorf("NtCreatePort: %w", st)
	}
	go s.serve()
	return s, nil
}

type nativeServer struct {
	thread *nt.Thread
	port   nt.Handle
	served chan struct{}
}

func (s *nativeServer) serve() {
	defer close(s.served)
	var m nt.Message
	var context uintptr
	var reply *nt.Message
	for {
		if st := s.thread.NtReplyWaitReceivePort(s.port, &context, reply, &m); st != nt.StatusSuccess {
			if reply == nil || st == nt.StatusPortClosed {
				return
			}
			reply = nil // its sender is gone
			continue
		}
		reply = nil
		switch m.Type {
		case nt.LPCRequest:
			nativeReply(&m)
			reply = &m
		case nt.LPCConnectionRequest:
			var h nt.Handle
			if s.thread.NtAcceptConnectPort(&h, 0, &m, true, nil, nil) == nt.StatusSuccess {
				s.thread.NtCompleteConnectPort(h)
			}
		case nt.LPCPortClosed:
			s.thread.NtClose(nt.Handle(context))
		}
	}
}

// nativeReply makes the answer in the request's place.
func nativeReply(m *nt.Message) {
	b := m.Data()
	if !sane(b) {
		m.SetData(nil)
		return
	}
	number := binary.LittleEndian.Uint64(b[numberAt:])
	switch Op(b[0]) {
	case OpEcho:
		return
	case OpLate:
		workOn()
		return
	case OpShort, OpNothing:
	case OpSumShort:
		number = loops.Sum(b)
	case OpWhere:
		number = CPU()
	default:
		number = 0
	}
	var out [ShortBytes]byte
	binary.LittleEndian.PutUint64(out[:], number)
	m.SetData(out[:])
}

func (s *nativeServer) Close() error {
	s.thread.NtClose(s.port)
	<-s.served
	s.thread.Exit()
	return nil
}

func (nativeSystem) Dial(ctx context.Context, addr string) (Conn, error) {
	th, err := nt.NewThread()
	if err != nil {
		return nil, err
	}
	c := &nativeConn{thread: th}
	qos := nt.SecurityQualityOfService{Length: 12, ImpersonationLevel: nt.SecurityIdentification}
	if st := th.NtConnectPort(&c.port, nativeName(addr), &qos, nil, nil, nil, nil, nil); st != nt.StatusSuccess {
		return nil, fmt.Errorf("NtConnectPort: %w", st)
	}
	return c, nil
}

type nativeConn struct {
	thread *nt.Thread
	port   nt.Handle
	m      nt.Message
}

func (c *nativeConn) Call(_ context.Context, req, reply []byte) (int, error) {
	if len(req) > nt.MaxDataLength {
		return 0, errors.ErrUnsupported
	}
	c.m.Type, c.m.DataInfoOffset = nt.LPCNewMessage, 0
	c.m.SetData(req)
	if st := c.thread.NtRequestWaitReplyPort(c.port, &c.m, &c.m); st != nt.StatusSuccess {
		return 0, st
	}
	return copy(reply, c.m.Data()), nil
}

func (c *nativeConn) Send(context.Context, []byte) error { return ErrUnsupported }

func (c *nativeConn) View(context.Context, int) (View, error) { return nil, ErrUnsupported }

func (c *nativeConn) Close() error {
	c.thread.NtClose(c.port)
	c.thread.Exit()
	return nil
}
