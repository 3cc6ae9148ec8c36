// Package failpoint kills this process at a named step, for tests of what the
// other side then sees.
//
// A point is armed by LPC_FAILPOINT=name[:count] in the environment: the process
// sends itself SIGKILL when it passes the point for the count-th time (the first
// unless told). Not armed, a point costs one load and one branch. Every point
// stands in Points, and the robustness test walks that list.
package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// Point is a step at which a process can be killed.
type Point uint32

// The points, in the order in which a connection and a call pass them.
const (
	_ Point = iota
	ListenBound
	ConnectSent
	ConnectReceived
	AcceptMade
	AcceptSent
	AcceptReceived
	GrowSent
	GrowReceived
	SectionSent
	RequestWritten
	RequestPublished
	CallerParks
	RequestTaken
	HandlerEntered
	ReplyWritten
	ReplyPublished
	ReplySeen
	GramWritten
	GramPublished
	CloseSent
)

// Points are the names of all points; index 0 is none.
var Points = []string{
	"", "listen-bound", "connect-sent", "connect-received", "accept-made", "accept-sent", "accept-received",
	"grow-sent", "grow-received", "section-sent", "request-written", "request-published", "caller-parks", "request-taken",
	"handler-entered", "reply-written", "reply-published", "reply-seen", "gram-written", "gram-published", "close-sent",
}

var (
	armed Point
	left  atomic.Int64
)

func init() {
	name, count, _ := strings.Cut(os.Getenv("LPC_FAILPOINT"), ":")
	for i, p := range Points {
		if name != "" && p == name {
			n, err := strconv.ParseInt(count, 10, 64)
			if err != nil {
				n = 1
			}
			left.Store(n)
			armed = Point(i)
		}
	}
}

// At is passed at p.
func At(p Point) {
	if armed == p {
		pass()
	}
}

func pass() {
	if left.Add(-1) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}
