package main

import (
	"testing"

	"github.com/seed-eedd8485/lpc"
)

func TestLs(t *testing.T) {
	var list []lsEntry
	for _, p := range []lpc.PortInfo{
		{Name: `\RPC Control\a`, PID: 7, Program: "prog", Readable: true, Connections: 12, Queued: 3},
		{Name: `\RPC Control\<b> "c"`, PID: 8, Program: "p", Readable: false, Why: "not readable (not dumpable)"},
		{Name: "\\RPC Control\\\x1b[m", Stale: true, Why: "stale: gone"},
		{Name: "anonymous", PID: 9, Readable: true},
	} {
		list = append(list, newLsEntry(p))
	}
	const table = `PORT                   PID  PROGRAM  CONNECTIONS  QUEUE
\RPC Control\a         7    prog     12           3
\RPC Control\<b> "c"   -    -        -            -      not readable (not dumpable)
\RPC Control\\u{1b}[m  -    -        -            -      stale: gone
anonymous              9    -        0            0
`
	const lines = `{"name":"\\RPC Control\\a","pid":7,"program":"prog","connections":12,"queue":3,"stale":false,"reason":null}
{"name":"\\RPC Control\\<b> \"c\"","pid":null,"program":null,"connections":null,"queue":null,"stale":false,"reason":"not readable (not dumpable)"}
{"name":"\\RPC Control\\\u001b[m","pid":null,"program":null,"connections":null,"queue":null,"stale":true,"reason":"stale: gone"}
{"name":"anonymous","pid":9,"program":null,"connections":0,"queue":0,"stale":false,"reason":null}
`
	if got := string(lsTable(list)); got != table {
		t.Errorf("table:\n%s\ninstead of\n%s", got, table)
	}
	if got := string(lsLines(list)); got != lines {
		t.Errorf("lines:\n%s\ninstead of\n%s", got, lines)
	}
	if got := string(lsTable(nil)); got != "PORT  PID  PROGRAM  CONNECTIONS  QUEUE\n" {
		t.Errorf("empty table: %q", got)
	}
}
