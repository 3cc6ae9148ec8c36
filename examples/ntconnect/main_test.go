package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/seed-eedd8485/lpc/examples/internal/steps"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

func TestMain(m *testing.M) { os.Exit(proctest.InOwnRoot(m)) }

// The steps, in the order of the sequence.
func Example() {
	if err := steps.Run(os.Stdout, connect); err != nil {
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
