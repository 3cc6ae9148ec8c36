package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/seed-eedd8485/lpc"
)

// demoEvent is one thing that happened in a process of the demo, and one line
// on its descriptor 3.
type demoEvent struct {
	At      int64      `json:"at"`               // ns, of the process's clock
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

// clock tells the time in ns since 1970, as the wall clock had it when the clock
// was made and as the monotonic clock went on. Processes that start together agree
// on it, and no clock that is set meanwhile turns their events around.
type clock struct{ start time.Time }

func (c clock) at(t time.Time) int64 { return c.start.UnixNano() + t.Sub(c.start).Nanoseconds() }
func (c clock) now() int64           { return c.at(time.Now()) }

// stage is a demo process's end of the pipe to the parent. Safe for concurrent use.
type stage struct {
	clock
	mu  sync.Mutex
	out *json.Encoder
}

func newStage() *stage {
	return &stage{clock: clock{time.Now()}, out: json.NewEncoder(os.NewFile(3, "events"))}
}

// trace is the engine's hook.
func (s *stage) trace(e lpc.TraceEvent) {
	d := demoEvent{
		At: s.at(e.Time), Engine: true,
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
	s.put(demoEvent{At: s.now(), What: said, Call: call, MsgID: id, Text: fmt.Sprintf(format, args...)})
}

// sign gives the parent a sign.
func (s *stage) sign(e demoEvent) {
	e.At = s.now()
	s.put(e)
}

// put writes one event. Without a parent there is nobody to tell it to.
func (s *stage) put(e demoEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.out.Encode(e)
}
