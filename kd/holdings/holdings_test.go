package holdings

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/target"
)

// The limit from which use is marked, on both sides of 90 per cent.
func TestNears(t *testing.T) {
	for _, c := range []struct {
		used, limit uint64
		want        bool
	}{
		{0, 0, false}, {5, 0, false}, {89, 100, false}, {90, 100, true}, {100, 100, true}, {28786, 31986, false}, {28787, 31986, true},
		{8, 9, true}, {7, 9, false}, {0, 1, true}, // 90 per cent of 1 is 0.9, rounded down
		{math.MaxUint64 / 10 * 9, math.MaxUint64, false}, {math.MaxUint64, math.MaxUint64, true},
	} {
		if got := Nears(c.used, c.limit); got != c.want {
			t.Errorf("%d of %d: %v, want %v", c.used, c.limit, got, c.want)
		}
	}
}

func tag(text string) (t [4]byte) { copy(t[:], text); return t }

func report(at time.Time, accounts []target.PoolAccount, holdings ...Holding) *Report {
	return &Report{Taken: at, Accounts: accounts, Holdings: holdings}
}

func account(pid uint32, started uint64, allocs, frees uint64) target.PoolAccount {
	return target.PoolAccount{Process: target.Process{ID: pid, Image: "p"}, Started: started, Tags: []target.TagAccount{{Tag: tag("Leak"), Small: target.PoolCount{Allocs: allocs, Frees: frees}}}}
}

func holding(pid uint32, started uint64, port string, blocks, bytes uint64) Holding {
	return Holding{Holder: Holder{Tag: tag("Leak"), Process: pid, Started: started, Port: port}, Image: "p", Blocks: blocks, Bytes: bytes}
}

// What grew, what shrank, who came and who went; a process with the id of one that has
// ended is another.
func TestCompare(t *testing.T) {
	then := time.Unix(1000, 0)
	before := report(then, []target.PoolAccount{account(1, 10, 5, 1), account(2, 20, 9, 0), account(3, 30, 1, 0)},
		holding(1, 10, "a", 4, 400), holding(2, 20, "", 9, 900), holding(3, 30, "same", 1, 100))
	now := report(then.Add(30*time.Minute), []target.PoolAccount{account(1, 10, 25, 11), account(2, 21, 3, 0), account(3, 30, 7, 6)},
		holding(1, 10, "a", 14, 1400), holding(2, 21, "", 3, 300), holding(3, 30, "same", 1, 100), holding(3, 30, "fresh", 2, 50))
	g := Compare(before, now)
	if g.Since != 30*time.Minute {
		t.Errorf("since %s", g.Since)
	}
	type row struct {
		port          string
		blocks, bytes int64
		added, gone   bool
		allocs, frees uint64
	}
	var got []row
	for _, c := range g.Changes {
		got = append(got, row{c.Port, c.Blocks(), c.Bytes(), c.New, c.Gone, c.Allocs, c.Frees})
	}
	want := []row{{"a", 10, 1000, false, false, 20, 10}, {"", 3, 300, true, false, 3, 0}, {"fresh", 2, 50, false, false, 6, 6}, {"", -9, -900, false, true, 0, 0}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
	if blocks, bytes := g.Grown(); blocks != 15 || bytes != 1350 {
		t.Errorf("grown by %d blocks of %d bytes", blocks, bytes)
	}
	if v, ok := g.PerHour(1000); !ok || v != 2000 {
		t.Errorf("%v an hour (%v)", v, ok)
	}
	for _, none := range []*Growth{Compare(report(time.Time{}, nil), now), Compare(before, report(time.Time{}, nil)), Compare(before, before)} {
		if _, ok := none.PerHour(1); ok {
			t.Errorf("a rate over %s", none.Since)
		}
	}
}

// Where nothing is counted, nothing is said of allocations and frees; and pools that
// belong to no process have none that was started or has ended.
func TestCompareUncounted(t *testing.T) {
	nobody := func(blocks uint64, counted ...target.PoolAccount) *Report {
		return report(time.Time{}, counted, holding(0, 0, "", blocks, 100*blocks))
	}
	for name, c := range map[string]struct {
		g    *Growth
		want Change
	}{
		"no system counts":     {Compare(nobody(1), nobody(3)), Change{}},
		"the later one does":   {Compare(nobody(1), nobody(3, account(0, 0, 9, 6))), Change{}},
		"the earlier one does": {Compare(nobody(1, account(0, 0, 9, 8)), nobody(3)), Change{}},
		"both do":              {Compare(nobody(1, account(0, 0, 9, 8)), nobody(3, account(0, 0, 12, 9))), Change{Allocs: 3, Frees: 1, CountedSince: true}},
		"the looks are turned around": {Compare(report(time.Time{}, []target.PoolAccount{account(1, 10, 9, 8)}, holding(1, 10, "", 1, 100)),
			report(time.Time{}, []target.PoolAccount{account(1, 10, 5, 2)}, holding(1, 10, "", 3, 300))), Change{}},
	} {
		if len(c.g.Changes) != 1 {
			t.Errorf("%s: %+v", name, c.g.Changes)
			continue
		}
		got := c.g.Changes[0]
		if got.Allocs != c.want.Allocs || got.Frees != c.want.Frees || got.CountedSince != c.want.CountedSince || got.New || got.Gone {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// A Document says nothing of what is not known, and its lists are lists.
func TestDocument(t *testing.T) {
	text, err := json.Marshal((&Report{}).Document())
	if want := `{"taken":null,"tags":[],"holders":[],"processes":[],"quotas":[],"notes":[]}`; err != nil || string(text) != want {
		t.Errorf("%s (%v), want %s", text, err, want)
	}
	r := report(time.Unix(1, 0), []target.PoolAccount{
		{Process: target.Process{ID: 7, Err: errors.New("no")}},
		{Process: target.Process{ID: 8}, Used: 95, Limit: 100, Failures: 2, FailedQuota: "q", Tags: []target.TagAccount{
			{Tag: tag("Leak"), Large: target.PoolCount{Allocs: 3, Frees: 1, Bytes: 9}, Failures: 2}, {Tag: tag("Port"), Small: target.PoolCount{Allocs: 1, Bytes: 5}}}}})
	d := r.Document()
	if p := d.Processes[0]; p.Reason == nil || *p.Reason != "no" || p.Pool != "" {
		t.Errorf("%+v", p)
	}
	if p := d.Processes[1]; !p.Excessive || p.Failures != 2 || p.Quota != "q" || p.Reason != nil || p.Pool != "nonpaged" {
		t.Errorf("%+v", p)
	}
	want := []TagRow{{"Leak", 8, "", "sections", 3, 1, 2, 9, 2}, {"Port", 8, "", "nonpaged", 1, 0, 1, 5, 0}}
	if !slices.Equal(d.Tags, want) {
		t.Errorf("%+v", d.Tags)
	}
}
