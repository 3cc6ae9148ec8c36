package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc"
)

// demoEvent is one thing that happened in a process of the demo, and one line
// on its descriptor 3.
type demoEvent struct {
	At      int64      `json:"at"`               // CLOCK_MONOTONIC, ns: one clock for all processes
	Engine  bool       `json:"engine,omitempty"` // from the engine's trace; else the process's own
	What    string     `json:"what"`             // TraceEvent.What, or one of the words below
	Call    string     `json:"call,omitempty"`   // said: the NT call that the process is in
	Port    string     `json:"port,omitempty"`
	MsgID   uint32     `json:"msg,omitempty"`
	Peer    lpc.Caller `json:"peer"`
	Bytes   int        `json:"bytes,omitempty"`
	Section bool       `json:"section,omitempty"`
	Text    string     `json:"text,omitempty"`
	Status  int        `json:"status,omitempty"` // failed: the exit status
	Step    int        `json:"step,omitempty"`   // done
	Count   int        `json:"count,omitempty"`  // done, synced: messages so far

	Role string `json:"-"` // set by the parent
	PID  int    `json:"-"`
}

// Signs between the processes; they are not printed.
const (
	signReady  = "ready"  // server: it listens
	signSynced = "synced" // server: it is done with Count messages
	signHolds  = "holds"  // server: it has the call that it will not answer
	signDone   = "done"   // client: it finished Step
	signFailed = "failed" // client: Text is the sentence, Status the exit status
)

// said is what a process says itself, beside the engine's events: Call and Text.
const said = "said"

// stage is a demo process's end of the pipe to the parent. Safe for concurrent use.
type stage struct {
	wall time.Time // the same moment
	mono int64     // on both clocks

	mu  sync.Mutex
	out *json.Encoder
}

func newStage() *stage {
	s := &stage{out: json.NewEncoder(os.NewFile(3, "events"))}
	// The narrowest of some looks, so that a preemption between the two clocks
	// does not shift all events.
	for i, best := 0, int64(0); i < 20; i++ {
		before, wall := monotonic(), time.Now()
		if d := monotonic() - before; i == 0 || d < best {
			best, s.wall, s.mono = d, wall, before
		}
	}
	return s
}

// trace is the engine's hook.
func (s *stage) trace(e lpc.TraceEvent) {
	d := demoEvent{
		At: s.mono + e.Time.Sub(s.wall).Nanoseconds(), Engine: true,
		What: e.What, Port: e.Port, MsgID: e.MsgID, Peer: e.Peer, Bytes: e.Bytes, Section: e.Section,
	}
	if e.Err != nil {
		d.Text = e.Err.Error()
	}
	s.put(d)
}

// say tells what the process itself does in an NT call, or with a message; call
// may be "" and id 0.
func (s *stage) say(call string, id uint32, format string, args ...any) {
	s.put(demoEvent{At: monotonic(), What: said, Call: call, MsgID: id, Text: fmt.Sprintf(format, args...)})
}

// sign gives the parent a sign.
func (s *stage) sign(e demoEvent) {
	e.At = monotonic()
	s.put(e)
}

// put writes one event. Without a parent there is nobody to tell it to.
func (s *stage) put(e demoEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.out.Encode(e)
}

// monotonic is CLOCK_MONOTONIC in ns, which all processes of a machine share.
func monotonic() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // clock_gettime(2): fails for an unknown clock only
	return ts.Nano()
}
