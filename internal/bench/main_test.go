package bench

import (
	"fmt"
	"os"
	"testing"
)

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
