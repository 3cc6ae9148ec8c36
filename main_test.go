package lpc

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// Tests that need a second process start this binary in one of these roles.
var roles = map[string]func() error{}

func TestMain(m *testing.M) {
	proctest.Run(roles)
	os.Exit(proctest.InOwnRoot(m))
}

func watchdog(t *testing.T) {
	t.Helper()
	proctest.Watchdog(t, 2*time.Minute)
}

// name is a port name of the test's own.
func name(t *testing.T) string { return strings.ReplaceAll(t.Name(), "/", "-") }

// served listens and serves until the test ends.
func served(t *testing.T, o *ListenOptions, h HandlerFunc) *Port {
	t.Helper()
	watchdog(t)
	p, err := Listen(name(t), o)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- Serve(context.Background(), p, h) }()
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, ErrPortClosed) {
			t.Errorf("Serve returned %v, want ErrPortClosed", err)
		}
	})
	return p
}

func dialed(t *testing.T, o *DialOptions) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), name(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func echo(r Request) { _ = r.Reply(r.View()) }

// start starts a role; its environment gets env.
func start(t *testing.T, role string, env ...string) *proctest.Child {
	t.Helper()
	return proctest.Start(t, proctest.Command(role, env...))
}
