package namespace

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fill makes connections until the backlog has no room, and returns them.
func fill(t *testing.T, l *Listener) {
	t.Helper()
	for {
		c, err := l.dir.connect(l.base)
		if errors.Is(err, errBacklog) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.close)
	}
}

func TestConnectFullBacklog(t *testing.T) {
	newRoot(t)
	l := listenOn(t, "spool", Options{Backlog: 1})
	fill(t, l)

	t.Run("ends with the context", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		_, err := Connect(ctx, mustParse("spool"))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "backlog") {
			t.Errorf("got error %v, want DeadlineExceeded that says backlog", err)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		result := make(chan error)
		go func() {
			_, err := Connect(ctx, mustParse("spool"))
			result <- err
		}()
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want Canceled", err)
		}
	})
	t.Run("is a live port", func(t *testing.T) {
		entries, err := List(context.Background(), SearchRoots())
		if err != nil || len(entries) != 1 || entries[0].Stale || !errors.Is(entries[0].Err, errBacklog) {
			t.Errorf("List: got %+v and error %v, want an entry that says backlog", entries, err)
		}
		removeAll(t, l, ".spool.lock")
		if _, err := Listen(mustParse("spool"), Options{}); !errors.Is(err, ErrInUse) {
			t.Errorf("Listen: got error %v, want ErrInUse", err)
		}
	})
	t.Run("goes on when there is room", func(t *testing.T) {
		result := make(chan error)
		go func() {
			fd, err := Connect(context.Background(), mustParse("spool"))
			if err == nil {
				unix.Close(fd)
			}
			result <- err
		}()
		drain(l)
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}

// The server dies while a client waits for room.
func TestConnectFullBacklogOfTheDying(t *testing.T) {
	newRoot(t)
	l := listenOn(t, "spool", Options{Backlog: 1})
	fill(t, l)
	result := make(chan error)
	go func() {
		_, err := Connect(context.Background(), mustParse("spool"))
		result <- err
	}()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, ErrNotFound) {
		t.Errorf("got error %v, want ErrNotFound", err)
	}
}

func TestConnectEndedContext(t *testing.T) {
	newRoot(t)
	listenOn(t, "spool", Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Connect(ctx, mustParse("spool")); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want Canceled", err)
	}
}
