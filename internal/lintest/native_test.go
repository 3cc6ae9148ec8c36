package lintest

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/nt"
)

// TestLinearizableNative: the same promise of the native API. Threads of the server
// receive and reply by turns, hand a request to another thread to be answered, and call
// the client back for the value that it wants to write; clients close a connection
// under a call of theirs, which may then have happened or not.
func TestLinearizableNative(t *testing.T) {
	for _, c := range []struct {
		name    string
		clients int
		config  config
		env     []string
	}{
		{"one client process", 1, config{Goroutines: 6, Ops: 1500, Keys: 128, Cancel: 50, Workers: 3}, nil},
		{"three client processes", 3, config{Goroutines: 3, Ops: 700, Keys: 128, Cancel: 50, Workers: 2}, nil},
		{"one processor", 2, config{Goroutines: 3, Ops: 500, Keys: 64, Cancel: 50, Workers: 2}, []string{"GOMAXPROCS=1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.Native, c.config.Name = true, `\RPC Control\registers`
			linearizable(t, c.clients, c.config, c.env, func(c counts) bool { return c.Handed > 0 && c.CalledBack > 0 })
		})
	}
}

// A nativeServer answers with server's registers.
type nativeServer struct {
	*server
	port  nt.Handle
	other chan nt.Message // to be answered by another thread

	ends sync.Map // PortContext to the server's end of that connection
	next uintptr  // guarded by mu
}

func serveNative(c *config) error {
	s := &nativeServer{server: &server{values: map[uint32]uint64{}}, other: make(chan nt.Message, 1024)}
	main, err := nt.NewThread()
	if err != nil {
		return err
	}
	if st := main.NtCreatePort(&s.port, &nt.ObjectAttributes{ObjectName: &c.Name}, 0, nt.MaxMessageLength, 0); st != nt.StatusSuccess {
		return st
	}
	failed := make(chan error, 1)
	for i := range c.Workers + 1 {
		run := s.receive
		if i == c.Workers {
			run = s.answer
		}
		go func() {
			t, err := nt.NewThread()
			if err == nil {
				err = run(t, rand.New(rand.NewPCG(uint64(i), 7)))
			}
			select {
			case failed <- err:
			default:
			}
		}()
	}
	if _, err := fmt.Println("ready"); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); close(ended) }()
	select {
	case err := <-failed:
		return err
	case <-ended:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.NewEncoder(os.Stdout).Encode(s.counts)
}

// receive is a thread that receives and mostly answers with its next receive.
func (s *nativeServer) receive(t *nt.Thread, rnd *rand.Rand) error {
	var reply *nt.Message
	for {
		var context uintptr
		var m nt.Message
		st := t.NtReplyWaitReceivePort(s.port, &context, reply, &m)
		if st == nt.StatusReplyMessageMismatch || st == nt.StatusInvalidCID {
			s.count(&s.counts.Abandoned) // its client has gone
			reply = nil
			continue
		}
		if reply = nil; st != nt.StatusSuccess {
			return fmt.Errorf("receiving: %w", st)
		}
		switch m.Type {
		case nt.LPCConnectionRequest:
			if err := s.accept(t, &m); err != nil {
				return err
			}
		case nt.LPCPortClosed:
			if h, ok := s.ends.LoadAndDelete(context); ok {
				if st := t.NtClose(h.(nt.Handle)); st != nt.StatusSuccess {
					return fmt.Errorf("closing an end: %w", st)
				}
			}
		case nt.LPCRequest:
			r := parse(m.Data())
			if r.Slow != 0 && !s.callBack(t, context, &m, &r) {
				continue
			}
			if rnd.IntN(8) == 0 {
				s.count(&s.counts.Handed)
				s.other <- m
				continue
			}
			reply = s.reply(&m)
		default:
			return fmt.Errorf("a message of type %#x came", m.Type)
		}
	}
}

func (s *nativeServer) count(n *int64) {
	s.mu.Lock()
	*n++
	s.mu.Unlock()
}

// reply does the work and makes the request its answer.
func (s *nativeServer) reply(m *nt.Message) *nt.Message {
	r := parse(m.Data())
	m.SetData(binary.LittleEndian.AppendUint64(nil, s.do(&r)))
	return m
}

// answer is a thread that answers what others received.
func (s *nativeServer) answer(t *nt.Thread, _ *rand.Rand) error {
	for m := range s.other {
		switch st := t.NtReplyPort(s.port, s.reply(&m)); st {
		case nt.StatusSuccess:
		case nt.StatusReplyMessageMismatch, nt.StatusInvalidCID:
			s.count(&s.counts.Abandoned)
		default:
			return fmt.Errorf("answering: %w", st)
		}
	}
	return nil
}

func (s *nativeServer) accept(t *nt.Thread, m *nt.Message) error {
	s.mu.Lock()
	s.next++
	context := s.next
	s.mu.Unlock()
	var end nt.Handle
	st := t.NtAcceptConnectPort(&end, context, m, true, nil, nil)
	if st == nt.StatusInvalidCID || st == nt.StatusReplyMessageMismatch {
		return nil
	}
	if st == nt.StatusSuccess {
		s.ends.Store(context, end)
		st = t.NtCompleteConnectPort(end)
	}
	return st.Err()
}

// callBack asks the client for the value that its request means. false: the client has
// gone.
func (s *nativeServer) callBack(t *nt.Thread, context uintptr, m *nt.Message, r *request) bool {
	end, ok := s.ends.Load(context)
	if !ok {
		return false
	}
	call, back := *m, nt.Message{}
	call.Type = nt.LPCRequest
	if t.NtRequestWaitReplyPort(end.(nt.Handle), &call, &back) != nt.StatusSuccess {
		s.count(&s.counts.Abandoned)
		return false
	}
	s.count(&s.counts.CalledBack)
	r.A = binary.LittleEndian.Uint64(back.Data())
	m.SetData(r.append(nil))
	return true
}

// A nativeCaller is a thread of a client with a connection of its own.
type nativeCaller struct {
	*config
	t, closer *nt.Thread
	port      nt.Handle
	id        int
	rnd       *rand.Rand
}

func newNativeCaller(c *config, id int) (*nativeCaller, error) {
	n := &nativeCaller{config: c, id: id, rnd: rand.New(rand.NewPCG(uint64(id), 3))}
	var err error
	if n.t, err = nt.NewThread(); err == nil {
		n.closer, err = nt.NewThread()
	}
	return n, err
}

func (c *nativeCaller) connect() error {
	qos := nt.SecurityQualityOfService{Length: 12, ImpersonationLevel: nt.SecurityIdentification, EffectiveOnly: 1}
	if st := c.t.NtConnectPort(&c.port, &c.Name, &qos, nil, nil, nil, nil, nil); st != nt.StatusSuccess {
		return fmt.Errorf("connecting: %w", st)
	}
	return nil
}

// one makes one call. A put in 16 is called back for its value.
func (c *nativeCaller) one(o *operation) error {
	if c.port == 0 {
		if err := c.connect(); err != nil {
			return err
		}
	}
	r := request{Op: o.Op, Key: o.Key, A: o.A, B: o.B}
	if o.Op == opPut && c.rnd.IntN(16) == 0 {
		r.A, r.Slow = 0, 1
	}
	var m, reply nt.Message
	m.SetData(r.append(nil))
	closed, closing := make(chan nt.Status, 1), c.Cancel != 0 && c.rnd.IntN(c.Cancel) == 0
	o.Start = now()
	if closing {
		port := c.port
		time.AfterFunc(time.Duration(c.rnd.IntN(60))*time.Microsecond, func() { closed <- c.closer.NtClose(port) })
	}
	st := c.t.NtRequestWaitReplyPort(c.port, &m, &reply)
	for st == nt.StatusSuccess && reply.Type == nt.LPCRequest { // the server calls back
		reply.SetData(binary.LittleEndian.AppendUint64(nil, o.A))
		st = c.t.NtReplyWaitReplyPort(c.port, &reply)
	}
	o.End = now()
	if closing {
		if st := <-closed; st != nt.StatusSuccess {
			return fmt.Errorf("closing: %w", st)
		}
		c.port = 0
	}
	switch {
	case st == nt.StatusSuccess && reply.DataLength == 8:
		o.Out = binary.LittleEndian.Uint64(reply.Data())
	case closing && st.Failed():
		o.Unknown = true
	default:
		return fmt.Errorf("a call gives %v and %d bytes", st, reply.DataLength)
	}
	return nil
}

// callNative is the client.
func callNative(c *config) error {
	all := make([][]operation, c.Goroutines)
	errs := make([]error, c.Goroutines)
	var wg sync.WaitGroup
	for g := range c.Goroutines {
		wg.Go(func() {
			n, err := newNativeCaller(c, c.ID*c.Goroutines+g)
			if err == nil {
				all[g], err = made(c, n.id, n.rnd, n.one)
			}
			errs[g] = err
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return printed(all)
}
