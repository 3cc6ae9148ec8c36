// Command lpc is the library's command line: it shows what a port is (demo),
// serves one (serve), calls one (call, send), lists them (ls), draws and watches
// them (graph, top), debugs them (kd) and measures them (bench).
//
//	lpc demo
//	lpc serve NAME --echo
//	lpc serve NAME --exec CMD...
//	lpc call NAME [DATA | -]
//	lpc send NAME DATA
//	lpc ls [--json]
//	lpc graph [-p PID | -z FILE] [-o FILE.svg | FILE.dot]
//	lpc top [-p PID | -z FILE]
//	lpc kd [-p PID | -z FILE] [-c COMMANDS] [--json]
//	lpc snapshot -o FILE [-p PID]
//	lpc mbr FILE [--against FILE] [-o FILE.svg] [--json]
//	lpc bench [...]
//
// Each command is a struct with its arguments and a Run method, in a file of
// its name. A command returns an error and prints none: main turns the error
// into one sentence on stderr that names the port, and into the exit status, by
// the one table in status.go. What a peer said (a name, a reason, a line of
// stderr) reaches a terminal only through printable.
//
// demo is three processes of this program. The parent starts a server and a
// client (demo --role), whose trace hooks and own remarks come to it as one
// JSON object a line on descriptor 3; it orders them by their time and prints
// them. No line is printed that did not arrive as such an event or as a
// child's wait status.
package main
