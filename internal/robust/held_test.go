package robust

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/link"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/internal/proctest"
	"github.com/seed-eedd8485/lpc/nt"
)

// TestLingeringDescriptor: a client sends garbage, and behind it a packet with a TCP socket
// whose close waits. The server closes its socket with that packet unread, and everybody else
// is served.
func TestLingeringDescriptor(t *testing.T) {
	base := takeCensus()
	t.Run("server", func(t *testing.T) {
		local(t, nil, echo)
		letRights(t)
		honest := dial(t, portName(t), nil)
		for try := 1; !linger(t, honest); try++ {
			if try == 100 {
				t.Fatalf("the server was quicker, %d times", try)
			}
		}
	})
	base.check(t)
}

// linger is false where the server was quicker: it had closed its socket before the second
// packet was there, or before this process had closed what it sent.
func linger(t *testing.T, honest *lpc.Conn) bool {
	r, err := rawDial(portName(t))
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	fd, release := proctest.Lingerer(t)
	defer release()
	_ = r.send(make([]byte, 77)) // the poller may be done with it before the second comes
	sent := r.send(frame(frameConnect, 1, ""), fd) == nil
	closed := make(chan struct{})
	go func() { defer close(closed); closeAll([]int{fd}) }() // waits, where it is the last
	within(t, "an honest client's Dial and call", func() {
		c, err := lpc.Dial(context.Background(), portName(t), nil)
		if err == nil {
			_, err = c.Call(context.Background(), someBytes)
			_ = c.Close()
		}
		if err == nil {
			_, err = honest.Call(context.Background(), someBytes)
		}
		if err != nil {
			t.Error(err)
		}
	})
	first := false
	select {
	case <-closed:
		first = true
	default:
	}
	release()
	await(t, "closing what was sent", closed)
	if !eventually(hangs, func() bool { return link.Unclosed(uint32(os.Getuid())) == 0 }) {
		t.Fatal("what was sent is not closed though it does not wait any more")
	}
	return sent && first
}

// TestSectionFlood: a server sends its client more sections than a connection has. That
// connection ends, long before the process has no mapping left.
func TestSectionFlood(t *testing.T) {
	base := takeCensus()
	t.Run("client", func(t *testing.T) {
		s := rawListen(t)
		admitted := make(chan *raw, 1)
		go func() {
			r, err := s.admit()
			if err != nil {
				t.Error(err)
			}
			admitted <- r
		}()
		c := dial(t, portName(t), nil)
		r := receive(t, "the server's end", admitted)
		defer r.close()
		fd := memory(t, 0, 1<<14, allSeals)
		sent := 0
		for ; sent < 10_000 && r.send(with(frame(frameSection, 1<<14, ""), frameSectionNo, uint32(sent+1)), fd) == nil; sent++ {
		}
		await(t, "the connection's end", c.Done())
		if !errors.Is(c.Err(), lpc.ErrProtocol) || !strings.Contains(c.Err().Error(), "beside 4096 others") {
			t.Errorf("after %d sections the connection ended with %v; want ErrProtocol at 4,096", sent, c.Err())
		}
	})
	base.check(t)
}

// TestNoDescriptors: the client has no number to spare when the server sends it a section. It
// is told so, and not that the server broke the protocol.
func TestNoDescriptors(t *testing.T) {
	server := start(t, "server", portName(t))
	server.tell("listen")
	server.expect("listening")
	c := dial(t, portName(t), nil)
	if _, err := c.Call(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	release := proctest.NoDescriptors(t)
	_, err := c.Alloc(t.Context(), 100_000)
	release()
	if !errors.Is(err, lpc.ErrQuota) || errors.Is(err, lpc.ErrProtocol) || !errors.Is(err, unix.EMFILE) {
		t.Errorf("Alloc gives %v; want ErrQuota with EMFILE", err)
	}
}

// TestRefusedView: clients go away when the server shows them its view. Nothing of them stays.
func TestRefusedView(t *testing.T) {
	s, err := nt.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Exit()
	name := `\RPC Control\` + portName(t)
	var ccp, sec nt.Handle
	if st := s.NtCreatePort(&ccp, &nt.ObjectAttributes{ObjectName: &name}, nt.MaxConnectionInfo, nt.MaxMessageLength, 0); st != 0 {
		t.Fatal(st)
	}
	defer s.NtClose(ccp)
	size := int64(4096)
	if st := s.NtCreateSection(&sec, nt.SectionAll, nil, &size, nt.PageReadWrite, 0, 0); st != 0 {
		t.Fatal(st)
	}
	defer s.NtClose(sec)
	round := func() {
		gone := make(chan error, 1)
		go func() {
			r, err := rawDial(portName(t))
			if err == nil {
				err = r.send(with(with(frame(frameConnect, 304, ""), frameNumber, uint32(1234)), frameSectionNo, uint32(os.Getpid())))
				_, fds, _ := r.read() // VIEW
				closeAll(fds)
				r.close()
			}
			gone <- err
		}()
		var m nt.Message
		if st := s.NtListenPort(ccp, &m); st != 0 {
			t.Fatal(st)
		}
		v := nt.PortView{Length: nt.PortViewSize, SectionHandle: sec, ViewSize: 4096}
		var scp nt.Handle
		if st := s.NtAcceptConnectPort(&scp, 1, &m, true, &v, nil); st == 0 {
			t.Fatal("a client that is gone was let in")
		}
		if err := receive(t, "the client", gone); err != nil {
			t.Fatal(err)
		}
	}
	// records is how many ports and tokens there are once nothing of those clients waits to
	// be received. (Messages are kept to be used again.)
	records := func() (n int) {
		for soon := int64(-1e5); ; {
			var m nt.Message
			if s.NtReplyWaitReceivePortEx(ccp, nil, nil, &m, &soon) != 0 {
				break
			}
		}
		p, err := pool.OpenRemote(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		for _, tag := range []pool.Tag{pool.TagPort, pool.TagToken} {
			p.Blocks(tag, func(pool.Addr, []byte) { n++ })
		}
		return n
	}
	before := records()
	for range 20 {
		round()
	}
	if !eventually(hangs, func() bool { return records() <= before }) {
		t.Errorf("20 clients went away when they were shown a view: %d ports and tokens before, %d after", before, records())
	}
}
