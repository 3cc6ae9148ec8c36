package robust

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-eedd8485/lpc"
)

func init() {
	roles["busy client"] = busyClientRole
}

// TestRandomKills kills servers and clients in the middle of everything. Of all
// kills, at least 3 in 10 must hit a call in flight, as the survivors' errors tell.
func TestRandomKills(t *testing.T) {
	kills := size(60, 1000)
	base := takeCensus()
	var hits, inFlight int
	t.Run("kills", func(t *testing.T) {
		k := newKiller(t)
		for i := range kills {
			n := 0
			if i%2 == 0 {
				n = k.server(t)
			} else {
				n = k.client(t)
			}
			inFlight += n
			hits += min(n, 1)
			if t.Failed() {
				t.Fatalf("at kill %d", i+1)
			}
		}
	})
	base.check(t)
	t.Logf("%d kills, %d of them hit calls in flight, %d calls in all", kills, hits, inFlight)
	if hits*10 < kills*3 {
		t.Errorf("%d of %d kills hit a call in flight, want at least 3 in 10", hits, kills)
	}
}

// killer has the next process of each kind ready: starting one takes longer than
// killing it.
type killer struct {
	name        string
	nextServer  *child
	nextClient  *child
	port        *lpc.Port
	ended       chan error
	inFlight    atomic.Int64 // calls of the client at hand that were cut off
	underWay    atomic.Int64 // calls that the client at hand has made
	clientsPort string
}

func newKiller(t *testing.T) *killer {
	k := &killer{name: portName(t), clientsPort: portName(t) + "-clients", ended: make(chan error, 16)}
	p, err := lpc.Listen(k.clientsPort, &lpc.ListenOptions{OnClose: func(_ *lpc.Conn, err error) { k.ended <- err }})
	if err != nil {
		t.Fatal(err)
	}
	k.port = p
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = lpc.Serve(context.Background(), p, lpc.HandlerFunc(k.serve))
	}()
	t.Cleanup(func() {
		within(t, "closing the port", func() { _ = p.Close() })
		await(t, "Serve", served)
	})
	k.nextServer = start(t, "server", k.name)
	k.nextClient = start(t, "busy client", k.clientsPort)
	return k
}

// server kills a server that this process calls; it returns how many calls were
// cut off.
func (k *killer) server(t *testing.T) int {
	server := k.nextServer
	k.nextServer = start(t, "server", k.name)
	server.tell("listen")
	server.expect("listening") // took the name of the one before
	c := dial(t, k.name, &lpc.DialOptions{Handler: lpc.HandlerFunc(everyOp)})
	var wg sync.WaitGroup
	var done, cut atomic.Int64
	enough, after := make(chan struct{}), 1+rand.Int64N(400)
	for _, o := range everything {
		wg.Go(func() {
			for i := rand.IntN(1000); ; i++ {
				live := c.Err() == nil
				err := o.do(c, i)
				if err == nil {
					if done.Add(1) == after {
						close(enough)
					}
					continue
				}
				if !errors.Is(err, lpc.ErrPeerDied) {
					t.Errorf("%s: %v, want ErrPeerDied", o.name, err)
				} else if live {
					cut.Add(1)
				}
				return
			}
		})
	}
	await(t, "calls of a busy server", enough)
	server.kill()
	within(t, "what waited for the dead server", wg.Wait)
	await(t, "the end of the server", server.ended)
	stale(t, k.name)
	_ = c.Close()
	return int(cut.Load())
}

// serve is everyOp for the clients that die; it counts the calls that were cut off.
func (k *killer) serve(r lpc.Request) {
	if r.Kind() == lpc.KindDatagram {
		return
	}
	k.underWay.Add(1)
	if r.Len() > 0 && r.View()[0] == 'h' {
		<-r.Conn().Done()
	} else if r.Len() > 0 && r.View()[0]|0x20 == 'c' {
		data := someBytes
		if r.View()[0] == 'C' {
			data = []byte("hold")
		}
		if _, err := r.Callback(context.Background(), data); err != nil && !errors.Is(err, lpc.ErrAbandoned) {
			if !errors.Is(err, lpc.ErrPeerDied) {
				_, _ = os.Stderr.WriteString("Callback: " + err.Error() + "\n")
			}
			k.inFlight.Add(1)
		}
	}
	// A caller may have given up at its own deadline: that is no hit.
	if err := r.Reply(r.View()); errors.Is(err, lpc.ErrPeerDied) {
		k.inFlight.Add(1)
	}
}

// client kills a client that calls this process.
func (k *killer) client(t *testing.T) int {
	client := k.nextClient
	k.nextClient = start(t, "busy client", k.clientsPort)
	k.inFlight.Store(0)
	k.underWay.Store(0)
	after := 1 + rand.Int64N(400)
	client.tell("go")
	if !eventually(hangs, func() bool { return k.underWay.Load() >= after }) {
		t.Fatalf("the busy client has made %d calls in %v, want %d; all goroutines:\n%s\nand the client's:\n%s",
			k.underWay.Load(), hangs, after, stacks(), client.dump())
	}
	client.kill()
	if err := receive(t, "OnClose for a dead client", k.ended); !errors.Is(err, lpc.ErrPeerDied) {
		t.Errorf("a dead client's connection ended with %v, want ErrPeerDied", err)
	}
	if st := k.port.Stats(); st.Connections != 0 || st.InProgress != 0 || st.Queued != 0 {
		t.Errorf("after the client's death the port counts %+v", st)
	}
	await(t, "the end of the client", client.ended)
	return int(k.inFlight.Load())
}

// busyClientRole does everything at once until it is killed.
func busyClientRole(name string) error {
	if _, ok := ask()(); !ok {
		return nil
	}
	c, err := lpc.Dial(context.Background(), name, &lpc.DialOptions{Handler: lpc.HandlerFunc(everyOp)})
	if err != nil {
		return err
	}
	failed := make(chan error, len(everything))
	for _, o := range everything {
		go func() {
			for i := rand.IntN(1000); ; i++ {
				if err := o.do(c, i); err != nil {
					failed <- err
				}
			}
		}()
	}
	return <-failed
}
