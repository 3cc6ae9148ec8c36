package kd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/kd"
	"github.com/seed-eedd8485/lpc/target"
)

func run(t testing.TB, tg target.Target, line string) (text string, s *kd.Session, err error) {
	t.Helper()
	s = kd.NewSession(tg)
	var b strings.Builder
	err = s.Run(context.Background(), &b, line)
	return b.String(), s, err
}

// ring is n processes with one handler each, each of which serves a call and waits
// for the next; the last one's call stands in the queue of the first. A client waits
// for the first of all.
func ring(n int, workers uint32) []*fakePool {
	types := pool.TypeDescription()
	var pools []*fakePool
	var ports []uint64
	for i := range n {
		f := newFakePool(uint32(1000+i), types)
		pools = append(pools, f)
		ports = append(ports, f.port(fmt.Sprintf(`\RPC Control\port%d`, i), workers))
	}
	client := newFakePool(999, types)
	clp, scp := connect(client, pools[0], ports[0], 1)
	_, m := call(client, pools[0], clp, scp, 1, 0x10001, pool.MessageServed, 0, 0)
	for i := range n {
		next, state := (i+1)%n, uint32(pool.MessageServed)
		if next == 0 {
			state = pool.MessageQueued
		}
		ch := uint64(100 + i)
		clp, scp := connect(pools[i], pools[next], ports[next], ch)
		_, m = call(pools[i], pools[next], clp, scp, ch, uint32(0x10002+i), state, m, uint32(0x10001+i))
	}
	return append(pools, client)
}

// A port that records how many handlers it may run makes a deadlock proved.
func TestProved(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 200} {
		text, s, err := run(t, newFakeTarget(ring(n, 1)...), "!deadlock")
		if err != nil || s.Status != kd.StatusProved || !strings.HasPrefix(text, "Deadlock, proved: ") || strings.Count(text, "waits in Conn.Call") != n {
			t.Errorf("%d: %v, status %d\n%s", n, err, s.Status, text)
		}
	}
	text, s, err := run(t, newFakeTarget(ring(2, 2)...), "!deadlock")
	if err != nil || s.Status != kd.StatusNone {
		t.Errorf("a handler is free: %v, status %d\n%s", err, s.Status, text)
	}
	text, s, err = run(t, newFakeTarget(ring(2, 0)...), "!deadlock") // a version that does not record it
	if err != nil || s.Status != kd.StatusPossible || !strings.Contains(text, "port port0 does not record how many handlers it may run") {
		t.Errorf("no limit is known: %v, status %d\n%s", err, s.Status, text)
	}
	tg := newFakeTarget(ring(2, 1)...)
	ports, _ := tg.Ports()
	var port uint64
	for o := range ports {
		port = o.Addr
		break
	}
	text, _, err = run(t, tg, fmt.Sprintf("!deadlock; !waitchain; !stuck 0.5; !lpc port %x", port))
	if err != nil {
		t.Error(err)
	}
	golden.Text(t, "proved.txt", text)
}

// hostile names: everything that a process wrote is escaped.
func TestHostileText(t *testing.T) {
	types := pool.TypeDescription()
	const evil = "\x1b]0;x\x07\nkd> \u202e\xff"
	f, g := newFakePool(1000, types), newFakePool(1001, types)
	port := f.port(`\RPC Control\`+evil, 1)
	clp, scp := connect(g, f, port, 7)
	th, m := call(g, f, clp, scp, 7, 0x12345, pool.MessageServed, 0, 0)
	rec := pool.Thread{LpcReplyMessageID: 0x12345, WaitReason: pool.WaitLpcReply, LpcWaitingOnPort: pool.Addr(clp), WaitChannel: 7, WaitGeneration: 0x12345, WaitSlot: 0x12345 % 128}
	copy(rec.CallName[:], evil)
	rec.Cid.UniqueProcess = 1001
	g.put(th, &rec)
	const header = 1000<<40 | extentHead + blockHead
	f.put(header+96, []byte{3})                 // Header.Failures
	f.put(header+112, []byte("\x1b\n\x07\xff")) // FailureTag
	f.put(header+120, []byte(evil))             // FailureQuota
	f.put(header+176, []byte(evil))             // Program
	f.add("\x1b\n\x07\xff", port, []byte(evil))
	f.add("Sect", port, &pool.Section{Port: pool.Addr(port), Mine: 1, Size: 1 << 14, Used: 5, Blocks: 1, UserTag: pool.Tag([]byte("\x07\n]\x9b"))})
	tg := newFakeTarget(f, g)
	for _, c := range kd.Commands() {
		for _, args := range []string{"", fmt.Sprintf(" %x", port), fmt.Sprintf(" %x", th), fmt.Sprintf(" %x", m), " 12345", " 0", fmt.Sprintf(" _ETHREAD %x", th), " \\", ` "` + `\RPC Control"`, " \"" + evil + "\"", " 0 7", " 11", " *"} {
			for _, j := range []bool{false, true} {
				s := kd.NewSession(tg)
				s.JSON = j
				var b bytes.Buffer
				err := s.Run(context.Background(), &b, c.Name+args)
				text := b.String()
				if err != nil {
					text += err.Error()
				}
				for _, r := range strings.NewReplacer("\n", "", "\t", "").Replace(text) { // no evil text has a tab
					if !unicode.IsPrint(r) && !j || r < ' ' {
						t.Fatalf("%s%s: %U in %q", c.Name, args, r, text)
					}
				}
				if !j && strings.Contains(text, "\nkd> ") {
					t.Fatalf("%s%s: a name began a line of its own: %q", c.Name, args, text)
				}
				for line := range strings.Lines(b.String()) {
					if j && !json.Valid([]byte(line)) {
						t.Errorf("%s%s: not JSON: %s", c.Name, args, line)
					}
				}
			}
		}
	}
}

// Ctrl-C ends a command.
func TestInterrupt(t *testing.T) {
	tg := large()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, line := range []string{"!deadlock", "!lpc port", "!lpc message", "!waitchain", "db 3e800000060 L10000", "!process 0 7"} {
		if err := kd.NewSession(tg).Run(ctx, &strings.Builder{}, line); err == nil {
			t.Errorf("%s went on after its context had ended", line)
		}
	}
}

// Whatever a process writes into its pool, commands end, print no control
// characters, and do not panic.
func FuzzPool(f *testing.F) {
	f.Add(uint32(0x1060), []byte{1, 2, 3, 4}, uint32(0x4160), []byte{0xff, 0xff})
	base := ring(2, 1)
	f.Fuzz(func(t *testing.T, at uint32, b []byte, at2 uint32, b2 []byte) {
		var pools []*fakePool
		for _, p := range base {
			q := &fakePool{pid: p.pid}
			for _, e := range p.extents {
				q.extents = append(q.extents, bytes.Clone(e))
			}
			pools = append(pools, q)
		}
		copy(pools[0].extents[0][at%pool.ExtentSize:], b)
		copy(pools[1].extents[0][at2%pool.ExtentSize:], b2)
		tg := newFakeTarget(pools...)
		for _, line := range []string{"!deadlock", "!waitchain", "!stuck 0", "!lpc port", "!lpc message", "!lpc thread", "!process 0 7", "!handle 0 7 0n1000", `!object \`, "!lpc message 10002", "dt _ETHREAD 3e80000008a0", "!failed"} {
			text, _, _ := run(t, tg, line)
			for _, r := range text {
				if r != '\n' && !unicode.IsPrint(r) {
					t.Fatalf("%s: %U in the output", line, r)
				}
			}
		}
	})
}

// Whatever is typed, Run answers.
func FuzzLine(f *testing.F) {
	for _, l := range []string{"!lpc port; db 3e800000060 L20", `!object "\RPC Control"`, "dt nt!_ETHREAD 0", "dd 0 L ffffffff", "? !lpc", "db 1+2-3`4 5", "!stuck 1e5;;", "* x"} {
		f.Add(l)
	}
	tg := newFakeTarget(ring(2, 1)...)
	f.Fuzz(func(t *testing.T, line string) {
		if strings.Contains(strings.ToLower(line), "l") && strings.HasPrefix(strings.TrimSpace(strings.ToLower(line)), "d") && len(line) > 30 {
			return // a large range is slow, not wrong
		}
		text, s, err := run(t, tg, line)
		if err != nil {
			text += err.Error()
		}
		for _, r := range text {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Fatalf("%q: %U in the output", line, r)
			}
		}
		s.Complete(context.Background(), line)
	})
}
