package section

import (
	"errors"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// hole maps two pages of a file and cuts the file off after the first: touching
// the second is the kernel's SIGBUS, the real one.
func hole(t *testing.T) []byte {
	t.Helper()
	page := os.Getpagesize()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(int64(2 * page)); err != nil {
		t.Fatal(err)
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(mem); err != nil {
			t.Error(err)
		}
	})
	if err := f.Truncate(int64(page)); err != nil {
		t.Fatal(err)
	}
	return mem
}

func TestGuardReturnsFault(t *testing.T) {
	mem := hole(t)
	page := os.Getpagesize()
	second := reflect.ValueOf(&mem[page]).Pointer()
	for name, touch := range map[string]func(){
		"load":  func() { sink = mem[page+5] },
		"store": func() { mem[page+5] = 1 },
		"copy":  func() { Copy(make([]byte, 2*page), mem) },
	} {
		ran := false
		err := Guard(func() {
			ran = true
			touch()
			t.Errorf("%s: it went on after the fault", name)
		})
		var fault *Fault
		if !ran || !errors.As(err, &fault) {
			t.Errorf("%s: got error %v, want a *Fault", name, err)
			continue
		}
		if fault.Addr < second || fault.Addr >= second+uintptr(page) {
			t.Errorf("%s: fault at %#x, want it in the page at %#x", name, fault.Addr, second)
		}
		if !strings.Contains(err.Error(), "0x") {
			t.Errorf("%s: the text %q has no address", name, err)
		}
	}
	if err := Guard(func() { sink = mem[0] }); err != nil {
		t.Errorf("the first page: %v", err)
	}
}

var sink byte

func TestGuardPassesOtherPanics(t *testing.T) {
	var nothing *Section
	want := errors.New("mine")
	for name, c := range map[string]struct {
		f  func()
		is func(any) bool
	}{
		"a value": {func() { panic(want) }, func(r any) bool { return r == want }},
		"nil dereference": {func() { sink = nothing.mem[0] }, func(r any) bool {
			err, ok := r.(runtime.Error)
			return ok && strings.Contains(err.Error(), "nil pointer")
		}},
		"index": {func() { sink = nothing.Bytes()[0] }, func(r any) bool { _, ok := r.(runtime.Error); return ok }},
	} {
		func() {
			defer func() {
				if r := recover(); !c.is(r) {
					t.Errorf("%s: got panic %v", name, r)
				}
			}()
			err := Guard(c.f)
			t.Errorf("%s: got error %v, want a panic", name, err)
		}()
		if debug.SetPanicOnFault(false) {
			t.Errorf("%s: the setting was left on", name)
		}
	}
}

func TestGuardRestoresSetting(t *testing.T) {
	mem := hole(t)
	bad := func() { sink = mem[os.Getpagesize()] }
	for _, old := range []bool{false, true} {
		debug.SetPanicOnFault(old)
		if err := Guard(bad); err == nil {
			t.Error("no error")
		}
		if got := debug.SetPanicOnFault(false); got != old {
			t.Errorf("setting after Guard: got %v, want %v", got, old)
		}
	}
	err := Guard(func() {
		if err := Guard(bad); err == nil {
			t.Error("inner: no error")
		}
		bad() // still guarded
		t.Error("outer: it went on after the fault")
	})
	if err == nil {
		t.Error("outer: no error")
	}
}

func TestGuardInManyGoroutines(t *testing.T) {
	mem := hole(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if err := Guard(func() { Copy(make([]byte, len(mem)), mem) }); err == nil {
					t.Error("no error")
				}
			}
		})
	}
	wg.Wait()
}
