package targettest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/elfcore"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
	"github.com/seed-eedd8485/lpc/target/snapshot"
)

// Snapshot writes pools into a snapshot and opens it, until the test ends.
func Snapshot(t testing.TB, pools []*lpcpool.Pool) *snapshot.Target {
	t.Helper()
	path := filepath.Join(t.TempDir(), "snapshot")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(snapshot.Write(f, lpcpool.New(pools), snapshot.Here()), f.Close()); err != nil {
		t.Fatal(err)
	}
	tg, err := snapshot.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tg.Close() })
	return tg
}

// Cores opens core files as one target, until the test ends.
func Cores(t testing.TB, paths []string) target.Target {
	t.Helper()
	var list []target.Target
	for _, path := range paths {
		tg, err := elfcore.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tg.Close() })
		list = append(list, tg)
	}
	tg, err := target.Join(list...)
	if err != nil {
		t.Fatal(err)
	}
	return tg
}
