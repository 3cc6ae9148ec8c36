package lintest

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/proctest"
)

const (
	configEnv = "LPC_LINTEST_CONFIG"
	hangs     = 3 * time.Minute
)

// Roles of this binary in other processes.
var roles = map[string]func(*config) error{
	"server": serve,
	"client": call,
	"stream": stream,
}

// config tells a process what to do.
type config struct {
	Name    string // the port's
	Workers int    // of the server
	Native  bool   // package nt makes the calls

	ID         int // the client's
	Goroutines int
	Ops        int // of each goroutine
	Conns      int // the goroutines share so many connections
	Keys       int
	Cancel     int // one call of so many is cancelled; 0: none
	Slow       int // one handler of so many is slow; 0: none
}

func TestMain(m *testing.M) {
	all := map[string]func() error{}
	for name, role := range roles {
		all[name] = func() error {
			defer proctest.Watch(name, hangs)()
			var c config
			if err := json.Unmarshal([]byte(os.Getenv(configEnv)), &c); err != nil {
				return err
			}
			return role(&c)
		}
	}
	proctest.Run(all)
	os.Exit(m.Run())
}

// now is the time by the clock that all processes share, in nanoseconds.
func now() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err)
	}
	return ts.Nano()
}

// start starts a role, which ends by itself.
func start(t *testing.T, role, root string, c config, env ...string) *proctest.Child {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := proctest.Command(role, configEnv+"="+string(b), "LPC_ROOT="+root, "GOTRACEBACK=all")
	cmd.Env = append(cmd.Env, env...)
	return proctest.Start(t, cmd)
}

// startServer returns when the server serves.
func startServer(t *testing.T, root string, c config, env ...string) *proctest.Child {
	t.Helper()
	s := start(t, "server", root, c, env...)
	s.Expect(t, "ready")
	return s
}

// stop ends the server and gives what it counted.
func stop(t *testing.T, server *proctest.Child) (s counts) {
	t.Helper()
	if b := server.End(t); json.Unmarshal(b, &s) != nil {
		t.Fatalf("the server counted %q", b)
	}
	return s
}
