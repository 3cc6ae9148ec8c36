package main

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "lpc-test")
	if err != nil {
		panic(err)
	}
	_ = os.Setenv("LPC_ROOT", dir)
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// The steps, in the order of the sequence.
func Example() {
	if err := connect(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// server: NtCreatePort \RPC Control\ntconnect
	// server: NtListenPort, blocks
	// client: NtConnectPort, blocks
	// server: NtListenPort returns with the connection request, which says "it is me"
	// server: NtAcceptConnectPort
	// server: NtCompleteConnectPort
	// client: NtConnectPort returns with its handle
}
