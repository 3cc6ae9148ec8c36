package nt

import (
	"errors"
	"testing"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// A server of the root package, and a client with NT's calls.
func TestMixedClient(t *testing.T) {
	proctest.Watchdog(t, watchdog)
	c := thread(t)
	name := `\Test\MixedClient`
	p, err := lpc.Listen(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	datagrams := make(chan string, 1)
	go lpc.Serve(t.Context(), p, lpc.HandlerFunc(func(r lpc.Request) {
		switch string(r.Bytes()) {
		case "datagram":
			datagrams <- string(r.Bytes())
		case "call me":
			back, err := r.Callback(r.Context(), []byte("yes?"))
			if err != nil {
				t.Error(err)
			}
			_ = r.Reply(append(back, '.'))
		case "large":
			_ = r.Reply(make([]byte, 1000))
		case "fail":
			_ = r.Fail(5, "no")
		case "drop":
		default:
			_ = r.Reply(r.Bytes())
		}
	}))
	var h Handle
	var most uint32
	must(t, c.NtConnectPort(&h, &name, qos(), nil, nil, &most, nil, nil))
	if most != MaxMessageLength {
		t.Errorf("MaxMessageLength %#x", most)
	}
	q := data("odd")
	must(t, c.NtRequestWaitReplyPort(h, &q, &q))
	if string(q.Data()) != "odd" || q.Type != LPCReply || q.TotalLength != HeaderSize+3 {
		t.Errorf("the reply is %q, type %d, of %d bytes", q.Data(), q.Type, q.TotalLength)
	}
	q = data("datagram")
	must(t, c.NtRequestPort(h, &q))
	if got := <-datagrams; got != "datagram" {
		t.Errorf("the server got %q", got)
	}
	q = data("call me")
	must(t, c.NtRequestWaitReplyPort(h, &q, &q))
	if string(q.Data()) != "yes?" || q.Type != LPCRequest {
		t.Errorf("the callback is %q, type %d", q.Data(), q.Type)
	}
	q.SetData([]byte("here"))
	must(t, c.NtReplyWaitReplyPort(h, &q))
	if string(q.Data()) != "here." || q.Type != LPCReply {
		t.Errorf("the reply is %q, type %d", q.Data(), q.Type)
	}
	for text, want := range map[string]Status{"large": StatusPortMessageTooLong, "fail": StatusUnsuccessful, "drop": StatusLPCReplyLost} {
		q = data(text)
		if st := c.NtRequestWaitReplyPort(h, &q, &q); st != want {
			t.Errorf("%s: %v, want %v", text, st, want)
		}
	}
	must(t, c.NtClose(h))
}

// A server with NT's calls, and a client of the root package.
func TestMixedServer(t *testing.T) {
	proctest.Watchdog(t, watchdog)
	s := thread(t)
	var ccp Handle
	name := `\Test\MixedServer`
	must(t, s.NtCreatePort(&ccp, &ObjectAttributes{ObjectName: &name}, 8, HeaderSize+64, 0))
	defer s.NtClose(ccp)
	done := make(chan error)
	go func() {
		done <- func() error {
			c, err := lpc.Dial(t.Context(), name, &lpc.DialOptions{
				Info:    []byte("hello"),
				Handler: lpc.HandlerFunc(func(r lpc.Request) { _ = r.Reply(append([]byte("client says "), r.Bytes()...)) }),
			})
			if err != nil {
				return err
			}
			defer c.Close()
			if string(c.Info()) != "welcome" {
				t.Errorf("the server's information is %q", c.Info())
			}
			r, err := c.Call(t.Context(), []byte("ping"))
			if err != nil || string(r) != "client says pong!" {
				t.Errorf("the reply is %q, %v", r, err)
			}
			if _, err := c.Call(t.Context(), make([]byte, 65)); !errors.Is(err, lpc.ErrTooLarge) {
				t.Errorf("65 bytes where 64 may be: %v", err)
			}
			return nil
		}()
	}()
	m, _ := receive(t, s, ccp)
	if m.Type != LPCConnectionRequest || string(m.Data()) != "hello" {
		t.Errorf("type %d, %q", m.Type, m.Data())
	}
	var scp Handle
	m.SetData([]byte("welcome"))
	must(t, s.NtAcceptConnectPort(&scp, 7, &m, true, nil, nil))
	must(t, s.NtCompleteConnectPort(scp))
	m, ctx := receive(t, s, ccp)
	if string(m.Data()) != "ping" || ctx != 7 {
		t.Errorf("the request is %q, context %d", m.Data(), ctx)
	}
	back := m
	back.Type = LPCRequest
	back.SetData([]byte("pong"))
	must(t, s.NtRequestWaitReplyPort(scp, &back, &back))
	m.SetData(append(back.Data(), '!'))
	must(t, s.NtReplyPort(scp, &m))
	if err := <-done; err != nil {
		t.Error(err)
	}
	if m, ctx := receive(t, s, ccp); m.Type != LPCPortClosed || ctx != 7 {
		t.Errorf("type %d, context %d", m.Type, ctx)
	}
}
