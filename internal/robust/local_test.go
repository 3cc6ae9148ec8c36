package robust

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc"
)

func echo(r lpc.Request) { _ = r.Reply(r.View()) }

// portName is a name for a test's port.
func portName(t testing.TB) string { return strings.NewReplacer("/", "-", "#", "-").Replace(t.Name()) }

// local is a port that this process serves until the test ends.
func local(t testing.TB, o *lpc.ListenOptions, h lpc.HandlerFunc) *lpc.Port {
	t.Helper()
	p, err := lpc.Listen(portName(t), o)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = lpc.Serve(context.Background(), p, h)
	}()
	t.Cleanup(func() {
		within(t, "closing the port", func() { _ = p.Close() })
		await(t, "Serve of a closed port", served)
	})
	return p
}

func dial(t testing.TB, name string, o *lpc.DialOptions) *lpc.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), hangs)
	defer cancel()
	c, err := lpc.Dial(ctx, name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func itoa(n int) string { return strconv.Itoa(n) }
