package channel

import "fmt"

// A Violation says what a peer wrote into a channel that no peer that follows
// PROTOCOL.md writes. It ends the connection.
type Violation struct{ What string }

func (v *Violation) Error() string { return "peer broke the protocol: " + v.What }

func violation(format string, args ...any) error {
	return &Violation{What: fmt.Sprintf(format, args...)}
}
