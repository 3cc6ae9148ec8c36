package robust

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-eedd8485/lpc"
)

// killClient is the server of a client that dies.
func (s *scenario) killClient(t *testing.T) {
	var calls, grams atomic.Int64
	over := make(chan error, 1)       // the connection, or the handshake, has ended
	answers := make(chan error, 1)    // of Callback
	replies := make(chan error, 4096) // of Reply, to calls of the dead
	handler := func(r lpc.Request) {
		if r.Kind() == lpc.KindDatagram {
			grams.Add(1)
			return
		}
		calls.Add(1)
		switch {
		case r.Len() > 0 && r.View()[0] == 'c':
			_, err := r.Callback(context.Background(), someBytes)
			answers <- err
			_ = r.Reply(nil)
		case r.Len() > 0 && r.View()[0] == 'h':
			<-r.Conn().Done()
			replies <- r.Reply(nil)
		default:
			_ = r.Reply(r.View())
		}
	}
	p := local(t, &lpc.ListenOptions{
		OnClose: func(_ *lpc.Conn, err error) { over <- err },
		Trace: func(e lpc.TraceEvent) {
			if e.What == "handshake ended" {
				over <- e.Err
			}
		},
	}, handler)
	script := s.step
	if s.step != "" && s.step != "close" {
		script = "holds " + s.step
	}
	client := start(t, "client", portName(t), s.env(), scriptEnv+"="+script)
	client.killedItself(s.point)
	if err := receive(t, "the connection's end", over); !errors.Is(err, s.want) {
		t.Errorf("the connection ended with %v, want %v", err, s.want)
	}
	if s.step == "callback" {
		want := s.want
		if s.point == "reply-published" {
			want = nil // it was there
		}
		if err := receive(t, "Callback", answers); !errors.Is(err, want) {
			t.Errorf("Callback gives %v, want %v", err, want)
		}
	}
	// OnClose comes after the last handler has returned, so all replies are here.
	for len(replies) > 0 {
		if err := <-replies; !errors.Is(err, s.want) && !errors.Is(err, lpc.ErrAbandoned) {
			t.Errorf("Reply to a dead client gives %v, want %v or ErrAbandoned", err, s.want)
		}
	}
	if s.gets && s.step == "datagram" && grams.Load() != 1 {
		t.Errorf("%d datagrams were delivered, want the one that was published", grams.Load())
	}
	if s.gets && s.step != "datagram" && calls.Load() != holds+1 {
		t.Errorf("%d calls were delivered, want the %d that were published", calls.Load(), holds+1)
	}
	st := p.Stats()
	if st.Connections != 0 || st.InProgress != 0 || st.Queued != 0 || st.Failures != 0 {
		t.Errorf("after the client's death the port counts %+v", st)
	}
	if _, err := dial(t, portName(t), nil).Call(t.Context(), nil); err != nil {
		t.Errorf("calling the port after the client's death: %v", err)
	}
}

// foldedName is a name as the directory tells it.
func foldedName(name string) string { return strings.ToLower(name) }
