package kd_test

import (
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// Callbacks into callbacks, all of one id, are told apart; and a client's thread that
// answers the callback itself waits for nothing, nor does its server for itself.
func TestCallbackLevels(t *testing.T) {
	for name, p := range lpcProfiles() {
		for _, levels := range []int{0, 1, 2, 3} {
			s := newLpcScene(p, true)
			service, client := s.process(0x1dc, "service.exe", 1), s.process(0x2f0, "client.exe", 1)
			alpha := s.port(service, "alpha", 0)
			to, from := s.connect(alpha, service, client, 0)
			last := s.thread(service)
			first := s.thread(client)
			id := s.serve(last, first, from, to, "ask")
			for i := range levels {
				at, own, other := s.thread(client), to, from
				if i%2 == 1 {
					at, own, other = s.thread(service), from, to
				}
				s.callback(at, last, id, own, other, "ask back")
				last = at
			}
			if levels == 1 { // the thread that called answers itself: it waits no more
				s.Set(first, "_ETHREAD.LpcReplyMessageId", 0)
				s.Set(first, "_KTHREAD.State", 1)
			}
			tg := openDump(t, s.Dump(dumptest.Full))
			text := transcript(t, tg, "!waitchain")
			waits := levels + 1
			if levels == 1 {
				waits = 1
			}
			if n := strings.Count(text, " waits for message"); n != waits || strings.Count(text, "serves it") != waits || strings.Contains(strings.TrimSpace(text), "\n\n") {
				t.Errorf("%s, %d levels: not one chain of %d waits:\n%s", name, levels, waits, text)
			}
			if text = transcript(t, tg, "!deadlock"); !strings.Contains(text, "No deadlock") {
				t.Errorf("%s, %d levels: %s", name, levels, text)
			}
		}
	}
}
