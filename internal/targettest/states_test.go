package targettest

import (
	"testing"

	"github.com/seed-eedd8485/lpc/internal/proctest"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/live"
)

// states starts a server and a client in every state of roles_test.go, and waits
// until they are in it.
func states(t *testing.T) (srv, cl *proctest.Child) {
	t.Helper()
	srv = start(t, "server")
	cl = start(t, "client")
	l := join(t, only(t, srv.PID()), only(t, cl.PID()))
	for !settled(l) {
		if err := target.Refresh(l); err != nil {
			t.Fatal(err)
		}
	}
	return srv, cl
}

// settled: two calls are queued at "busy" and one is served, one is deferred, four
// threads wait for replies and three for requests: nothing moves any more.
func settled(l target.Target) bool {
	got := map[string]uint64{}
	s := l.System()
	ports, _ := s.Ports()
	for o := range ports {
		if o.Path != "" {
			got[o.Name+" queued"] = field(l, "_LPCP_PORT_OBJECT", "QueueLength", o.Addr)
			got[o.Name+" served"] = field(l, "_LPCP_PORT_OBJECT", "InProgress", o.Addr)
		}
	}
	for b := range s.Blocks("LpcM") {
		if b.Err == nil && field(l, "_LPCP_MESSAGE", "State", b.Body) == 3 {
			got["deferred"]++
		}
	}
	for th := range s.Threads(0) {
		if th.Err != nil {
			continue
		}
		switch field(l, "_ETHREAD", "WaitReason", th.Addr) {
		case 0x10:
			got["receiving"]++
		case 0x11:
			got["waiting"]++
		}
	}
	return got["busy queued"] == 2 && got["busy served"] == 3 && got["Later served"] == 1 && got["deferred"] == 1 && got["waiting"] == 4 && got["receiving"] == 3
}

// running is all processes that may be read.
func running(t *testing.T) *live.Target {
	t.Helper()
	l, err := live.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// only is one running process.
func only(t *testing.T, pid int) *live.Target {
	t.Helper()
	l, err := live.Open(pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func join(t *testing.T, l ...target.Target) target.Target {
	t.Helper()
	j, err := target.Join(l...)
	if err != nil {
		t.Fatal(err)
	}
	return j
}
