package engine

import (
	"errors"
	"time"

	"github.com/seed-eedd8485/lpc/security"
)

// An Event is one step of the engine, for who wants to watch it.
type Event struct {
	Time    time.Time
	What    string
	Port    string
	MsgID   uint32
	Peer    security.Identity
	Bytes   int
	Section bool
	Err     error
}

func emit(f func(Event), e Event) {
	if f != nil {
		e.Time = time.Now()
		f(e)
	}
}

func endName(err error) string {
	switch {
	case errors.Is(err, ErrPeerDied):
		return "peer died"
	case errors.Is(err, ErrProtocol):
		return "protocol error"
	}
	return "closed"
}
