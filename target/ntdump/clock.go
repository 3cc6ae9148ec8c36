package ntdump

import (
	"time"

	nt "github.com/seed-eedd8485/lpc/ntdump"
)

// sharedTicks is TickCountLow of KUSER_SHARED_DATA on x86, the first word of the
// page at ffdf0000 (reference 5.3a).
const sharedTicks = 0xffdf0000

// Ticks is the tick count when the dump was written, and how long a tick is. ok is
// false where the dump does not tell. The count is KeTickCount where symbols name
// it, else what the shared page has, else the uptime in ticks. Its low 32 bits are
// what threads keep.
func (t *Target) Ticks() (now uint64, each time.Duration, ok bool) {
	k := t.d.Debugger()
	at, ok := k.Address(nt.KeTimeIncrement)
	if !ok {
		return 0, 0, false
	}
	increment, err := t.d.Number(nt.Space{}, at, 4) // in 100 ns
	if err != nil || increment == 0 || increment > maxIncrement {
		return 0, 0, false
	}
	each = time.Duration(increment) * 100
	if v, ok := t.tickCount(); ok {
		return v, each, true
	}
	up := t.d.Header().Uptime
	return uint64(up / each), each, up > 0
}

// maxIncrement is a second: the clock of every machine interrupts more often.
const maxIncrement = 10_000_000

func (t *Target) tickCount() (uint64, bool) {
	if at, ok := t.d.Symbol("KeTickCount"); ok {
		v, err := t.d.Number(nt.Space{}, at, 4)
		return v, err == nil && v != 0
	}
	if t.PointerSize() != 4 {
		return 0, false
	}
	v, err := t.d.Number(nt.Space{}, sharedTicks, 4)
	return v, err == nil && v != 0
}

// Time is target.Clock's: all processes have one clock. ticks are the low 32 bits
// of a count.
func (t *Target) Time(_, ticks uint64) (time.Time, bool) {
	now, each, ok := t.Ticks()
	if !ok || t.Now().IsZero() {
		return time.Time{}, false
	}
	// Counts beyond 32 bits ask how long ticks are (records.World): they lie ahead.
	age := int64(uint64(uint32(now)) - ticks)
	if limit := int64(1<<62) / int64(each); age > limit || age < -limit {
		return time.Time{}, false
	}
	return t.Now().Add(-time.Duration(age) * each), true
}
