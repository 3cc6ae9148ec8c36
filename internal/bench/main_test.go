package bench

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// Roles that only tests have.
const (
	roleDeaf = "test-deaf" // answers one order and no other
	roleDies = "test-dies" // says why and dies of an order
)

func TestMain(m *testing.M) {
	switch os.Getenv(RoleEnv) {
	case roleDeaf:
		deaf()
	case roleDies:
		_, _ = os.Stdin.Read(make([]byte, 1))
		_, _ = fmt.Fprintln(os.Stderr, "the reason that is told")
		os.Exit(3)
	}
	if Child() {
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// deaf is a function of its own so that its name is in the stacks.
func deaf() {
	_, _ = os.Stdin.Read(make([]byte, 1000))
	_, _ = fmt.Println("{}")
	for {
		if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
			os.Exit(0)
		}
	}
}

// golden compares got with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs (go test -update writes it):\n%s", path, got)
	}
}
