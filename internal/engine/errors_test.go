package engine

import (
	"errors"
	"testing"

	"github.com/seed-eedd8485/lpc/wire"
)

// Whatever status a peer replies with, a program's call gives an error of a known kind.
func TestAnswered(t *testing.T) {
	known := []error{ErrProtocol, ErrTooLarge, ErrNoHandler, ErrQuota, ErrDropped, ErrPortClosed, ErrAbandoned}
	var handler *HandlerError
	for s := wire.StatusFailed; s < 64; s++ {
		for _, callback := range []bool{false, true} {
			err := answered(s, []byte("\x01\x00\x00\x00text"), callback)
			ok := errors.As(err, &handler)
			for _, k := range known {
				ok = ok || errors.Is(err, k)
			}
			if !ok {
				t.Errorf("status %d of a reply, to a callback: %v, gives %v, which is of no known kind", s, callback, err)
			}
		}
	}
	if err := answered(wire.StatusMismatch, nil, true); !errors.Is(err, ErrAbandoned) {
		t.Errorf("a callback for a thread that does not wait gives %v, want ErrAbandoned", err)
	}
	if err := answered(wire.StatusMismatch, nil, false); !errors.Is(err, ErrProtocol) {
		t.Errorf("a call that is answered as a callback gives %v, want ErrProtocol", err)
	}
}
