package ntpool

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// workers makes a test's scans use n goroutines.
func workers(t *testing.T, n int) {
	old := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
}

// openLarge opens writeLarge's dump.
func openLarge(t *testing.T, l large) (*Reader, Range) {
	t.Helper()
	path, _ := writeLarge(t, l)
	d, err := ntdump.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	r := reader(t, d)
	ranges, _, err := r.Ranges(NonPaged)
	if err != nil || len(ranges) != 1 {
		t.Fatalf("%+v, %v", ranges, err)
	}
	return r, ranges[0]
}

// said is what a walk of a range says at once.
type said struct {
	Block
	gap Gap
}

// told is all that a walk of a range says, in order.
func told(t *testing.T, r *Reader, rg Range, match func([4]byte) bool) (list []said) {
	for b, err := range r.Blocks(context.Background(), rg, match) {
		var g *Gap
		if errors.As(err, &g) {
			list = append(list, said{gap: *g})
		} else if list = append(list, said{Block: b}); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// One goroutine and several say the same in the same order, with few blocks kept and
// with many.
func TestCrew(t *testing.T) {
	const pages = 3 * fewForTwo
	for _, l := range []large{{pages: pages}, {pages: pages, scattered: true}, {pages: pages, scattered: true, others: 2}} {
		r, rg := openLarge(t, l)
		rg.Loose = false
		rg.Start -= 5 * pageBytes // nothing is mapped there
		for _, bound := range []int{maxKept, 700} {
			r.kept = bound
			for name, match := range map[string]func([4]byte) bool{
				"all": nil, "each": func([4]byte) bool { return true },
				"none": func([4]byte) bool { return false }, "Leak": func(tag [4]byte) bool { return string(tag[:]) == "Leak" },
			} {
				workers(t, 1)
				want := told(t, r, rg, match)
				workers(t, 4)
				if got := told(t, r, rg, match); !slices.Equal(got, want) || (name == "none") != (len(want) == 0) {
					t.Errorf("%+v, %d kept, %s: four goroutines tell %d, one %d", l, bound, name, len(got), len(want))
				}
			}
		}
	}
}

// What could not be read comes by address, whoever came upon it first.
func TestGapsInOrder(t *testing.T) {
	path, _ := writeLarge(t, large{pages: 3000, scattered: true})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2000 { // the first physical pages close no more
		data[len(data)-(3000-i)*pageBytes] = 1
	}
	d := open(t, data[:len(data)-500*pageBytes])
	r := reader(t, d)
	ranges, _, err := r.Ranges(NonPaged)
	if err != nil {
		t.Fatal(err)
	}
	ranges[0].Loose = false
	for _, n := range []int{1, 4} {
		workers(t, n)
		pages, last := uint64(0), uint64(0)
		for _, err := range r.Blocks(context.Background(), ranges[0], func([4]byte) bool { return false }) {
			var g *Gap
			if !errors.As(err, &g) || g.Addr < last {
				t.Fatalf("%v behind %#x", err, last)
			}
			pages, last = pages+g.Pages, g.Addr
		}
		if pages != 2500 {
			t.Errorf("%d goroutines: %d pages were not read, want 2500", n, pages)
		}
	}
}

// What match panics with comes to the caller, from whichever goroutine, and none is left.
func TestMatchPanics(t *testing.T) {
	r, rg := openLarge(t, large{pages: 3000})
	workers(t, 4)
	before := runtime.NumGoroutine()
	for at := range 2 {
		func() {
			defer func() {
				if p := recover(); p != "own" {
					t.Errorf("%v", p)
				}
			}()
			n := 0
			for range r.Blocks(context.Background(), rg, func([4]byte) bool {
				if n++; n > at {
					panic("own")
				}
				return false
			}) {
			}
			t.Error("no panic")
		}()
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}

// A context that ends within a window ends the walk; a loop that is left leaves nothing.
func TestBlocksEnd(t *testing.T) {
	r, rg := openLarge(t, large{pages: 3000, scattered: true})
	workers(t, 4)
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	var last error
	for _, err := range r.Blocks(ctx, rg, func([4]byte) bool { cancel(); return true }) {
		n, last = n+1, err
	}
	if n != 1 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d, %v", n, last)
	}
	for range r.Blocks(context.Background(), rg, nil) {
		break
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}

// A file that is cut while it is open is an error, behind what was found.
func TestFileCutWhileScanned(t *testing.T) {
	path, _ := writeLarge(t, large{pages: 3000})
	d, err := ntdump.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r := reader(t, d)
	ranges, _, err := r.Ranges(NonPaged)
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, st.Size()-1000*pageBytes); err != nil {
		t.Fatal(err)
	}
	var last error
	for _, err := range r.Blocks(context.Background(), ranges[0], func([4]byte) bool { return true }) {
		if last != nil {
			t.Fatalf("%v is not the last", last)
		}
		last = err
	}
	if last == nil || !strings.Contains(last.Error(), "at offset 0x") {
		t.Errorf("%v", last)
	}
}

// Places are sorted as by comparing, and their halves are all of them.
func TestOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var tmp []place
	for _, c := range []struct{ n, span uint64 }{{0, 1}, {1, 1}, {5, 3}, {1 << 10, 1}, {3000, 1 << 8}, {5000, 1 << 23}, {5000, 1 << 40}, {100, 1 << 40}} {
		w := make([]place, c.n)
		pages := uint64(0)
		for i := range w {
			n := 1 + rnd.Uint64N(maxPlace)
			w[i] = place{rnd.Uint64N(c.span)*pageBytes | n, uint64(i) * maxPlace * pageBytes}
			pages += n
		}
		want := slices.Clone(w)
		slices.SortStableFunc(want, func(a, b place) int { return cmp.Compare(a.physical(), b.physical()) })
		tmp = inFileOrder(w, tmp)
		if !slices.EqualFunc(w, want, func(a, b place) bool { return a.physical() == b.physical() }) {
			t.Errorf("%+v: not sorted", c)
		}
		if pages < 2 {
			continue
		}
		a, b := halves(w, pages/2)
		sum, at := uint64(0), uint64(0)
		for i, p := range append(slices.Clone(a), b...) {
			if i > 0 && p.virtual < at {
				t.Fatalf("%+v: %#x comes behind %#x", c, p.virtual, at)
			}
			if at = p.virtual + p.pages()*pageBytes; i == len(a)-1 && sum+p.pages() != pages/2 {
				t.Errorf("%+v: the first half has %d pages of %d", c, sum+p.pages(), pages)
			}
			sum += p.pages()
		}
		if sum != pages {
			t.Errorf("%+v: %d pages, want %d", c, sum, pages)
		}
	}
}

// A place gives up its first pages.
func TestPlace(t *testing.T) {
	p := place{0x5000 | 3, 0x9000}
	if q := p.skip(2); q.physical() != 0x7000 || q.pages() != 1 || q.virtual != 0xb000 || q.skip(1).pages() != 0 {
		t.Errorf("%+v", q)
	}
	if n := adjacent(p, []place{{0x8000 | 2, 0}, {0xa000 | 1, 0x1000}, {0xc000 | 1, 0}}); n != 6 {
		t.Errorf("%d pages follow each other, want 6", n)
	}
}
