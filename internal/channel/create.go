package channel

import (
	"os"

	"github.com/seed-eedd8485/lpc/section"
)

// Create makes the memory of a new channel. fd is the caller's, to be sent to the
// client and closed.
func Create(number uint64) (s *section.Section, fd int, err error) {
	s, fd, err = section.Create("lpc:channel", Size)
	if err != nil {
		return nil, -1, err
	}
	*headerOf(s) = header{Magic: Magic, Version: Version, Size: Size, Channel: number, Server: uint32(os.Getpid())}
	for _, a := range []*area{&clientToServer, &serverToClient} {
		v := newView(s.Bytes(), a)
		v.replies.Tail = firstHint
		v.progress.Head = firstPos
	}
	return s, fd, nil
}

// Open maps the channel that a server sent. fd stays the caller's.
func Open(fd int) (*section.Section, error) { return section.Open(fd, Size) }
