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
	if err := steps.Run(os.Stdout, data); err != nil {
		fmt.Println(err)
	}
	// Output:
	// server: NtReplyWaitReceivePort, blocks
	// client: NtRequestWaitReplyPort, blocks
	// server: NtReplyWaitReceivePort returns with the request "how many bytes in a message?"
	// server: NtReplyWaitReceivePort with the reply, blocks
	// client: NtRequestWaitReplyPort returns with the reply "304"
	// server: NtReplyWaitReceivePort returns with LPC_PORT_CLOSED: the client has gone
}
