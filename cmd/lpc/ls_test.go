package main

import (
	"errors"
	"testing"

	"github.com/seed-eedd8485/lpc/kd/census"
	"github.com/seed-eedd8485/lpc/namespace"
)

func TestLs(t *testing.T) {
	c := &census.Census{
		Processes: []census.Process{{ID: 7, Image: "prog"}, {ID: 8, Image: "p", Unreadable: "not dumpable"}, {ID: 9}, {ID: 11, Image: "q", Unreadable: "gone"}},
		Ports: []census.Port{
			{Name: "a", Process: 7, Callback: true, Queue: 99}, {Name: "a", Process: 6, Queue: 98},
			{Name: "A", Process: 7, Connections: 12, Queue: 3}, {Name: `<b> "c"`, Process: 8, Unreadable: "not dumpable"}, {Name: "anonymous", Process: 9},
		},
	}
	var list []lsEntry
	for _, e := range []struct {
		name string
		namespace.Entry
	}{
		{"a", namespace.Entry{PID: 7}}, {`<b> "c"`, namespace.Entry{PID: 8}}, {"\x1b[m", namespace.Entry{Stale: true}}, {"anonymous", namespace.Entry{PID: 9}},
		{"none", namespace.Entry{PID: 10}}, {"other", namespace.Entry{PID: 11}}, {"full", namespace.Entry{Err: errors.New("a backlog that is full")}},
	} {
		n, err := namespace.Parse(e.name)
		if err != nil {
			t.Fatal(err)
		}
		e.Name = n
		list = append(list, newLsEntry(e.Entry, c))
	}
	const table = `PORT       PID  PROGRAM  CONNECTIONS  QUEUE
A          7    prog     12           3
<b> "c"    -    -        -            -      not readable (not dumpable)
\u{1b}[m   -    -        -            -      stale: its process is gone
anonymous  9    -        0            0
none       -    -        -            -      not readable (its process shows no port of this name)
other      -    -        -            -      not readable (gone)
full       -    -        -            -      a backlog that is full
`
	const lines = `{"name":"A","pid":7,"program":"prog","connections":12,"queue":3,"stale":false,"reason":null}
{"name":"<b> \"c\"","pid":null,"program":null,"connections":null,"queue":null,"stale":false,"reason":"not readable (not dumpable)"}
{"name":"\u001b[m","pid":null,"program":null,"connections":null,"queue":null,"stale":true,"reason":"stale: its process is gone"}
{"name":"anonymous","pid":9,"program":null,"connections":0,"queue":0,"stale":false,"reason":null}
{"name":"none","pid":null,"program":null,"connections":null,"queue":null,"stale":false,"reason":"not readable (its process shows no port of this name)"}
{"name":"other","pid":null,"program":null,"connections":null,"queue":null,"stale":false,"reason":"not readable (gone)"}
{"name":"full","pid":null,"program":null,"connections":null,"queue":null,"stale":false,"reason":"a backlog that is full"}
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
