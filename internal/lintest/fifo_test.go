package lintest

import (
	"testing"

	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// TestOrder: the messages of one goroutine are begun in the order in which it sent
// them, datagrams and calls alike. Handlers run at once, and one that was handed
// its message first may still be overtaken before its first instruction, but only
// by as many as may run beside it: with one worker the order is strict.
func TestOrder(t *testing.T) {
	for _, c := range []struct {
		name    string
		clients int
		config  config
		env     []string
	}{
		{"one handler at once", 1, config{Goroutines: 1, Conns: 1, Ops: 20000, Slow: 500, Workers: 1}, nil},
		{"one handler at once, more callers", 2, config{Goroutines: 4, Conns: 1, Ops: 3000, Slow: 500, Workers: 1}, nil},
		{"four at once", 1, config{Goroutines: 4, Conns: 1, Ops: 5000, Slow: 200, Workers: 4}, nil},
		{"four at once, a connection each", 2, config{Goroutines: 2, Conns: 2, Ops: 5000, Slow: 200, Workers: 4}, nil},
		{"one processor", 2, config{Goroutines: 2, Conns: 2, Ops: 3000, Slow: 500, Workers: 1}, []string{"GOMAXPROCS=1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			proctest.Watchdog(t, hangs)
			root := t.TempDir()
			c.config.Name = "streams"
			server := startServer(t, root, c.config, c.env...)
			var clients []*proctest.Child
			for i := range c.clients {
				c.config.ID = i
				clients = append(clients, start(t, "stream", root, c.config, c.env...))
			}
			for _, p := range clients {
				p.Wait(t)
			}
			got := stop(t, server)
			t.Logf("server: %+v", got)
			if most := int64(c.config.Workers - 1); got.Ahead > most {
				t.Errorf("a message began when %d earlier ones of its goroutine had not; with %d handlers at once at most %d can be on their way",
					got.Ahead, c.config.Workers, most)
			}
		})
	}
}
