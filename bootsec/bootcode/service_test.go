package bootcode

import (
	"bufio"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// The services by text table: what the last call of each code is said to be.
func TestServices(t *testing.T) {
	f, err := os.Open("testdata/services.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	n := 0
	for line := 1; sc.Scan(); line++ {
		text, want, ok := strings.Cut(sc.Text(), "\t")
		if !ok {
			continue
		}
		n++
		code, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			t.Fatalf("line %d: %v", line, err)
		}
		sector := make([]byte, 512)
		copy(sector, code)
		if len(code) < 500 && (code[len(code)-2] == 0xcd) {
			copy(sector[len(code):], []byte{0xeb, 0xfe})
		}
		c := analyze(t, sector, Options{Table: true})
		if len(c.Services) == 0 {
			t.Errorf("line %d: no service found, want %q", line, want)
			continue
		}
		if got := c.Services[len(c.Services)-1].String(); got != want {
			t.Errorf("line %d: %q, want %q", line, got, want)
		}
	}
	if n < 40 {
		t.Errorf("only %d cases", n)
	}
}
