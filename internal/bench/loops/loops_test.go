package loops

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
)

// plain adds every byte one by one.
func plain(b []byte) (sum uint64) {
	for _, v := range b {
		sum += uint64(v)
	}
	return sum
}

// TestSum compares with the plain loop: every length around a block, with the
// largest bytes, where lanes would overflow first.
func TestSum(t *testing.T) {
	for _, n := range []int{8, 16, 32, 304, 1016, 1024, 1032, 4096, 65536} {
		b := make([]byte, n)
		for i := range b {
			b[i] = 0xff
		}
		if got, want := Sum(b), plain(b); got != want {
			t.Errorf("%d bytes of 0xff: %d, want %d", n, got, want)
		}
		for i := range b {
			b[i] = byte(i * 7)
		}
		if got, want := Sum(b), plain(b); got != want {
			t.Errorf("%d bytes: %d, want %d", n, got, want)
		}
	}
	if Sum(nil) != 0 {
		t.Error("the sum of nothing is not 0")
	}
}

// TestFill: every byte is written, and every seed gives another sum.
func TestFill(t *testing.T) {
	sums := make(map[uint64]bool)
	for seed := range byte(Seeds) {
		b := make([]byte, 304)
		for i := range b {
			b[i] = 0xee
		}
		Fill(b, 9, seed)
		if b[0] != 9 {
			t.Fatalf("the first byte is %d", b[0])
		}
		for i, v := range b[1:] {
			if v != byte((i+1)%8)+seed {
				t.Fatalf("seed %d: byte %d is %d", seed, i+1, v)
			}
		}
		sums[Sum(b)] = true
	}
	if len(sums) != Seeds {
		t.Errorf("%d sums of %d seeds", len(sums), Seeds)
	}
}

// TestLane passes memory between two goroutines as two processes do.
func TestLane(t *testing.T) {
	path := Path(filepath.Join(t.TempDir(), "s"))
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			err = Serve(c)
			_ = c.Close()
		}
		served <- err
	}()
	const n = 4096
	lane, err := Dial(path, n)
	if err != nil {
		t.Fatal(err)
	}
	own := make([]byte, n)
	for batch := range 3 {
		if err := lane.Begin(batch + 1); err != nil {
			t.Fatal(err)
		}
		for pass := range batch + 1 {
			Fill(own, 3, byte(pass))
			if got, err := lane.Pass(3, byte(pass)); err != nil || got != Sum(own) {
				t.Fatalf("batch %d, pass %d: a sum of %d, want %d; %v", batch, pass, got, Sum(own), err)
			}
		}
	}
	if err := lane.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil && !errors.Is(err, io.EOF) {
		t.Errorf("serving: %v", err)
	}
	if _, err := Dial(path+"x", n); err == nil {
		t.Error("dialling nobody works")
	}
}
