package kd_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
	"github.com/seed-eedd8485/lpc/internal/targettest"
	"github.com/seed-eedd8485/lpc/kd"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

// TestCores: of the core files that gcore and the kernel write of a scene's processes,
// every command says what it says of the processes.
func TestCores(t *testing.T) {
	for i := range scenes {
		sc := &scenes[i]
		if sc.name == "dead client" {
			continue // of which no core can be taken any more
		}
		t.Run(sc.name, func(t *testing.T) {
			if quick := sc.name == "two" || sc.name == "flood"; !quick && !needs.CI() {
				needs.Elsewhere(t, "LPC_CI=1 (gdb takes seconds for each scene)")
			}
			s := play(t, sc)
			list, pids, ids := s.commands(t)
			for _, c := range s.children { // so that no goroutine moves between the readings
				c.Freeze(t)
			}
			want := newNormalizer(pids, ids).text(s.script(t, list))
			t.Run("gcore", func(t *testing.T) {
				s.isAlike(t, sc, proctest.Cores(t, s.children...), list, want, pids, ids)
			})
			t.Run("core", func(t *testing.T) {
				s.isAlike(t, sc, proctest.Crash(t, s.children...), list, want, pids, ids)
			})
		})
	}
}

// isAlike carries out the commands on cores of the scene.
func (s *stage) isAlike(t *testing.T, sc *scene, cores []string, list []string, want string, pids []int, ids []uint32) {
	t.Helper()
	tg := targettest.Cores(t, cores)
	of := &stage{target: tg, session: kd.NewSession(tg)}
	if got := newNormalizer(pids, ids).text(of.script(t, list)); got != want {
		t.Errorf("the cores and the processes: %s", golden.Differ(got, want))
	}
	of.run(t, "!deadlock")
	if of.session.Status != sc.status {
		t.Errorf("!deadlock: status %d, want %d", of.session.Status, sc.status)
	}
}

// erased is an extent whose first page reads as zeros.
type erased struct{ lpcpool.Bytes }

const pageSize = 0x1000

func (e erased) ReadAt(dst []byte, off uint64) (int, string) {
	n, why := e.Bytes.ReadAt(dst, off)
	if off < pageSize {
		clear(dst[:min(uint64(n), pageSize-off)])
	}
	return n, why
}

func (e erased) Hole(off uint64) bool { return off < pageSize || e.Bytes.Hole(off) }

// TestErasedHeader: with the first page of every pool gone, the messages of the scene
// are found by their tag.
func TestErasedHeader(t *testing.T) {
	s := play(t, named(t, "queued"))
	w := s.world(t)
	if len(w.Messages) != 3 {
		t.Fatalf("the scene has %d messages", len(w.Messages))
	}
	var pools []*lpcpool.Pool
	for _, l := range s.live {
		for _, p := range l.Pools() {
			q := *p
			q.Grow, q.Gone, q.Extents = nil, nil, map[uint32]lpcpool.Bytes{}
			for i, b := range p.Extents {
				if q.Extents[i] = b; i == 0 {
					q.Extents[i] = erased{b}
				}
			}
			pools = append(pools, &q)
		}
	}
	of := &stage{target: fakeTarget{lpcpool.New(pools)}}
	of.session = kd.NewSession(of.target)
	all := of.run(t, "!lpc message")
	for _, m := range w.Messages {
		id := strconv.FormatUint(uint64(m.ID), 16)
		if !strings.Contains(all, id) {
			t.Errorf("!lpc message does not show message %s:\n%s", id, all)
		}
	}
	id := strconv.FormatUint(uint64(w.Messages[0].ID), 16)
	if out := of.run(t, "!lpc PoolSearch; !lpc message "+id); !strings.Contains(out, "Busy  Id="+strings.Repeat("0", 8-len(id))+id) {
		t.Errorf("!lpc PoolSearch does not find message %s:\n%s", id, out)
	}
}
