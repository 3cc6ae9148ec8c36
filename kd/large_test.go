package kd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/kd"
	"github.com/seed-eedd8485/lpc/target"
)

// large is ten thousand ports and a hundred thousand messages, on ten processes, a
// tenth of them served and the rest in the queues behind. Their client has a handle of
// each connection, and each process a full ring of messages that failed.
func large() target.Target {
	tg, _ := makeLarge(10, 1000)
	return tg
}

// largeRecords are some of its records.
type largeRecords struct{ port, thread, message, section uint64 }

// makeLarge makes a target of so many processes with so many ports each.
func makeLarge(processes, ports int) (tg fakeTarget, at largeRecords) {
	const each = 10 // messages of a port
	types := pool.TypeDescription()
	client := newFakePool(999, types)
	pools := []*fakePool{client}
	var connections []uint64
	id := uint32(0x10000)
	for p := range processes {
		f := newFakePool(uint32(1000+p), types)
		pools = append(pools, f)
		for k := range ports {
			port := f.port(fmt.Sprintf(`\RPC Control\%d-%d`, p, k), 1)
			ch := uint64(p*ports+k) + 1
			clp, scp := connect(client, f, port, ch)
			connections = append(connections, clp)
			var queue []uint64
			for i := range each {
				state := uint32(pool.MessageQueued)
				if i == 0 {
					state = pool.MessageServed
				}
				id++
				th, m := call(client, f, clp, scp, ch, id, state, 0, 0)
				if i > 0 {
					queue = append(queue, m)
				}
				at.thread, at.message = th, m
			}
			f.queue(port, queue)
			at.port = port
			at.section = f.add("Sect", scp, &pool.Section{Port: pool.Addr(scp), Mine: 1, Size: 1 << 14})
		}
		f.fail()
	}
	client.fail()
	client.handles(connections)
	return newFakeTarget(pools...), at
}

// queue links messages on a port's queue: _LPCP_MESSAGE begins with its Entry.
func (f *fakePool) queue(port uint64, messages []uint64) {
	const head = 0x20 // _LPCP_PORT_OBJECT.MsgQueue.ReceiveHead
	ring := append([]uint64{port + head}, messages...)
	for i, a := range ring {
		next, last := ring[(i+1)%len(ring)], ring[(i+len(ring)-1)%len(ring)]
		f.put(a, &pool.ListEntry{Flink: pool.Addr(next), Blink: pool.Addr(last)})
	}
}

// header is where a field of the pool's header stands.
func (f *fakePool) header(offset uint64) uint64 {
	return uint64(f.pid)<<40 | extentHead + blockHead + offset
}

// fail fills the ring of messages that failed.
func (f *fakePool) fail() {
	var r pool.FailedRing
	for i := range r.Entries {
		r.Entries[i] = pool.FailedMessage{Time: uint64(i), MessageID: 0x10001 + uint32(i), Cause: pool.FailedDeadline, PeerProcess: 999}
		copy(r.Entries[i].Port[:], fmt.Sprintf("0-%d", i))
	}
	r.Written = uint64(len(r.Entries))
	f.put(f.header(208), encode(uint64(f.add("Fail", 0, &r)))) // FailedMessages
}

// handles gives the process a handle of each object, from 4 on.
func (f *fakePool) handles(objects []uint64) {
	n := uint64(len(objects))
	list := append([]uint64{0}, objects...) // no handle is 0
	next := pool.Addr(0)                    // tables are made from the last to the first
	each := len(pool.HandleTable{}.Entries)
	for first := (len(list) - 1) / each * each; first >= 0; first -= each {
		t := pool.HandleTable{Next: next, First: uint32(first)}
		for i, o := range list[first:min(first+each, len(list))] {
			t.Entries[i] = pool.HandleEntry{Object: pool.Addr(o), GrantedAccess: pool.PortAllAccess}
			if o != 0 {
				t.Count++
			}
		}
		next = pool.Addr(f.add("Hndl", 0, &t))
	}
	f.put(f.header(152), encode(uint64(next))) // HandleTable
	f.put(f.header(160), encode(n))            // HandleCount
}

func TestLarge(t *testing.T) {
	if testing.Short() {
		needs.Elsewhere(t, "go test without -short")
	}
	watchdog(t)
	tg := large()
	text, s, err := run(t, tg, "!deadlock")
	if err != nil || s.Status != kd.StatusNone || text != "No deadlock: 100000 threads wait, none for each other.\n" {
		t.Errorf("%v, status %d: %.200s", err, s.Status, text)
	}
	text, _, err = run(t, tg, "!lpc message")
	if err != nil || !strings.HasSuffix(text, "\n100000 messages\n") {
		t.Errorf("%v: ends with %q", err, text[max(0, len(text)-200):])
	}
	text, _, err = run(t, tg, "!lpc port")
	if err != nil || !strings.HasPrefix(text, "Scanning 30000 objects\n") {
		t.Errorf("%v: begins with %.100q", err, text)
	}
}

// largeLines are every command that reads Linux processes, as BenchmarkLarge runs it.
// $FILE is a name that no file has, $EARLIER a target like this one, and the rest a record.
var largeLines = []string{
	"!lpc", "!lpc port", "!lpc port $PORT", "!lpc scan $PORT", "!lpc thread", "!lpc thread $THREAD", "!lpc message", "!lpc message 10001", "!lpc message 7",
	"!lpc PoolSearch; !lpc message 10001", "!process 0 0", "!process 0 7", "!thread $THREAD", "!handle 0 3 0n999", `!object \RPC Control`, "!object $PORT",
	"dt _LPCP_MESSAGE $MESSAGE", "!gflag", "!waitchain", "!waitchain $THREAD", "!deadlock", "!stuck", "!stuck 0", "!failed",
	"db $MESSAGE L10000", "dd $MESSAGE L4000", "dq $MESSAGE L2000", "dps $MESSAGE L2000", "dds $MESSAGE L4000", "da $MESSAGE L1000", "du $MESSAGE L1000",
	"u $MESSAGE L100", "ur $MESSAGE L100", "!findfree 100", ".writemem $FILE $MESSAGE L200; .readmem $FILE 0; !mbr 0; .scratch", ".formats 10",
	"!vm", "!poolused", "!poolfind Sect", "!pool $SECTION", "!pooldiff $EARLIER", ".pooltag",
	".process 0n999; .process", ".thread $THREAD; .thread", "vertarget", ".help", "q",
}

func hex(v uint64) string { return strconv.FormatUint(v, 16) }

// run carries out one of largeLines over the target, with a file of its own.
func (at largeRecords) run(tg target.Target, line, file string) error {
	s := kd.NewSession(tg)
	s.Open = func(string) (target.Target, error) { return tg, nil }
	line = strings.NewReplacer("$PORT", hex(at.port), "$THREAD", hex(at.thread), "$MESSAGE", hex(at.message), "$SECTION", hex(at.section), "$FILE", file).Replace(line)
	err := s.Run(context.Background(), io.Discard, line)
	if errors.Is(err, kd.ErrQuit) {
		return nil
	}
	return err
}

// TestLargeLines: each line is carried out over what is there to be shown, and each command
// that works over Linux processes is among them.
func TestLargeLines(t *testing.T) {
	watchdog(t)
	tg, at := makeLarge(2, 5) // as good as the large one for that
	var covered []string
	for i, line := range largeLines {
		if err := at.run(tg, line, filepath.Join(t.TempDir(), strconv.Itoa(i))); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		for piece := range strings.SplitSeq(line, ";") {
			covered = append(covered, commandOf(piece))
		}
	}
	for _, c := range []struct {
		line, each string
		want       int
	}{
		{fmt.Sprintf("!lpc port %x", at.port), " - Busy  Id=", 9},
		{"!failed", " of port ", 3 * 64},
		{"!handle 0 1 0n999", "GrantedAccess: ", 10},
		{"!poolfind Sect", "size: 4000 ", 10},
	} {
		text, _, err := run(t, tg, c.line)
		if got := strings.Count(text, c.each); err != nil || got != c.want {
			t.Errorf("%s: %v: %q %d times, want %d: %.600s", c.line, err, c.each, got, c.want, text)
		}
	}
	s := kd.NewSession(tg)
	for _, c := range kd.Commands() {
		if tg.Lacks(c.Needs) != "" || c.Refuse != nil && c.Refuse(s) != nil || slices.Contains(covered, c.Name) {
			continue
		}
		if _, _, err := run(t, tg, c.Name); err == nil || !strings.Contains(err.Error(), " is for Windows dumps") {
			t.Errorf("%s is not among largeLines: %v", c.Name, err)
		}
	}
}

// commandOf is the name of the command that a line begins with.
func commandOf(line string) (name string) {
	words := strings.Fields(line)
	for _, c := range kd.Commands() {
		if n := strings.Count(c.Name, " ") + 1; n <= len(words) && strings.Join(words[:n], " ") == c.Name && len(c.Name) > len(name) {
			name = c.Name
		}
	}
	return name
}

// BenchmarkLarge is each command on it, the target being looked at anew each time, as at
// a prompt: none may take a second, but for !process 0 7, which prints 69 MB.
func BenchmarkLarge(b *testing.B) {
	tg, at := makeLarge(10, 1000)
	for i, line := range largeLines {
		b.Run(strings.NewReplacer(" ", "_", `\`, "", ";", "", "$", "").Replace(line), func(b *testing.B) {
			dir, n := b.TempDir(), 0
			for b.Loop() {
				n++
				if err := at.run(tg, line, filepath.Join(dir, fmt.Sprintf("%d-%d", i, n))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
