// Package dumptest writes Windows kernel dumps for tests: a Machine is filled with
// memory, modules, processes, threads and what else a test needs, and comes out as
// a dump of any kind that package ntdump reads.
//
//	m := dumptest.New(dumptest.XP)
//	p := m.AddProcess(dumptest.Process{ID: 0x1dc, Image: "rpclpcs.exe"})
//	t := m.AddThread(p, dumptest.Thread{ID: 0x1f4})
//	data := m.Dump(dumptest.Full)
//
// It is written from the debugger reference (sections 3 to 5) alone: it shares no
// code, no types and no tables with the reader, so that a mistake in one shows
// against the other. ntdump/testdata/layout.txt, written down by hand a third time,
// is held against both.
//
// It grows by structures: a line in layout.go for each member, and a file with a
// method Add... that fills them by Set and links them by Insert.
//
// What never lives here: anything that a program uses outside of tests. Wrong use
// (a member that the profile does not have, an address outside the machine) is a
// mistake of the test and panics with a sentence. A Machine is for one goroutine.
package dumptest
