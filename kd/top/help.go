package top

import "strings"

// help is the keys.
type help struct{ at place }

func (v *help) place() *place { return &v.at }

// Keys explains the keys, for the screen and for the documentation.
const Keys = `up down j k        choose a line; also page up, page down, home, end
enter, right       open it: a port, of a message the thread that waits for it
esc, left          back; in the list of ports it takes the filter away
s > <              order by the next column, or the one before
r                  turn the order around
/                  show ports whose name or program holds a text, or of a pid
p                  the list of ports
t                  the threads that wait, the longest first
w                  who waits for whom
d                  deadlocks
space              hold the screen; again: go on
q                  quit`

// Meaning explains the columns, likewise.
const Meaning = `CALLS/S            calls that the port received in a second
SENDS/S            datagrams (on wide terminals)
QUEUE              messages that wait for a handler
OLDEST             age of the oldest message that is not replied to
BUSY               handlers that have a message, of all that the port may run
FAILED             calls refused, and connections ended by a protocol error
-                  not known: the first look, or a process that may not be read`

func (v *help) lines(*Screen, int) (head, body []Line) {
	for l := range strings.Lines(Keys + "\n\n" + Meaning) {
		body = append(body, Line{{strings.TrimSuffix(l, "\n"), Plain}})
	}
	return []Line{{{"Keys", Bold}}}, body
}

func (v *help) open(*Screen, int) view { return nil }
