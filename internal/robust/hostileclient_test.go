package robust

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc"
)

// TestHostileClient does each trespass once. The connection ends, both ends are
// told why, and an honest client of the same server notices nothing.
func TestHostileClient(t *testing.T) {
	base := takeCensus()
	t.Run("server", func(t *testing.T) {
		ended := make(chan error, 16)
		release := make(chan struct{}, 1)
		p := local(t, &lpc.ListenOptions{OnClose: func(c *lpc.Conn, err error) {
			if string(c.Info()) != "honest" {
				ended <- err
			}
		}}, func(r lpc.Request) {
			switch string(r.Bytes()) {
			case "await": // until the slot's word was overwritten
				<-release
				_ = r.Reply(nil)
			case "go":
				release <- struct{}{}
				_ = r.Reply(nil)
			default:
				everyOp(r)
			}
		})
		honest := dial(t, portName(t), &lpc.DialOptions{Info: []byte("honest")})
		for _, list := range [][]trespass{badFrames, badFramesLater, badChannels} {
			for _, bad := range list {
				ok := t.Run(bad.name, func(t *testing.T) {
					bad.check(t, p, ended)
					if b, err := honest.Call(context.Background(), someBytes); err != nil || string(b) != string(someBytes) {
						t.Fatalf("the honest client's call gives %q, %v", b, err)
					}
				})
				if !ok {
					return // what this one left behind would be taken for the next one's
				}
			}
		}
	})
	base.check(t)
}

func (bad *trespass) check(t *testing.T, p *lpc.Port, ended <-chan error) {
	name := strings.TrimPrefix(p.Name(), `\RPC Control\`)
	r := mustConnect(t, name)
	letRights(t)
	before := p.Stats().Failures
	within(t, bad.name, func() { bad.do(r) })
	if bad.says == "" {
		r.close()
		if err := receive(t, "OnClose", ended); !errors.Is(err, lpc.ErrPeerDied) {
			t.Errorf("the connection ended with %v, want ErrPeerDied", err)
		}
		return
	}
	if err := receive(t, "OnClose", ended); !errors.Is(err, lpc.ErrProtocol) || !strings.Contains(err.Error(), bad.says) {
		t.Errorf("OnClose is told %q, want ErrProtocol with %q", err, bad.says)
	}
	if n := p.Stats().Failures - before; n != 1 {
		t.Errorf("%d failures are counted, want 1", n)
	}
	if bad.name == "GROW, answers unread" {
		return // there was no room for a CLOSE frame
	}
	reason, text, err := r.farewell()
	if err != nil || reason != 4 || !strings.Contains(text, bad.says) {
		t.Errorf("the culprit is told reason %d, %q (%v), want 4 with %q", reason, text, err, bad.says)
	}
}

// TestHostileHandshake: what is wrong before there is a connection ends the
// handshake, and the server's trace says why.
func TestHostileHandshake(t *testing.T) {
	base := takeCensus()
	t.Run("server", func(t *testing.T) {
		ended := make(chan error, 16)
		local(t, &lpc.ListenOptions{Trace: func(e lpc.TraceEvent) {
			if e.What == "handshake ended" {
				ended <- e.Err
			}
		}}, echo)
		letRights(t)
		for _, bad := range append(badFrames, trespass{"GROW", func(r *raw) { _ = r.send(frame(frameGrow, 1, "")) }, "GROW frame"},
			trespass{"CLOSE", func(r *raw) { _ = r.send(frame(frameClose, 1, "")) }, "CLOSE frame"},
			trespass{"CONNECT with a descriptor", func(r *raw) { _ = r.send(frame(frameConnect, 1, ""), 0) }, "no descriptor"}) {
			t.Run(bad.name, func(t *testing.T) {
				r, err := rawDial(strings.Split(portName(t), "-server-")[0] + "-server")
				if err != nil {
					t.Fatal(err)
				}
				defer r.close()
				bad.do(r)
				err = receive(t, "the handshake's end", ended)
				says := strings.TrimSuffix(bad.says, ", with descriptor: true")
				if err == nil || !strings.Contains(err.Error(), says) && !strings.Contains(err.Error(), "no descriptor") {
					t.Errorf("the handshake ended with %q, want %q", err, says)
				}
				reason, text, err := r.farewell()
				if err != nil || reason != 4 && (reason != 3 || bad.name != "version") || text == "" {
					t.Errorf("the culprit is told reason %d, %q (%v)", reason, text, err)
				}
			})
		}
	})
	base.check(t)
}
