package main

// describe says in words what an event is: the NT call that it is a part of
// (seed: "Connection" and "Data"), and what happened. An event of the engine that
// the table does not know is printed as the engine named it: nothing is left out.
func describe(e demoEvent) (call, text string) {
	if !e.Engine {
		return e.Call, e.Text
	}
	l, ok := demoLines[[2]string{e.Role, e.What}]
	if !ok {
		l.text = func(e demoEvent) string { return e.What + " (" + whoIs(e.Peer) + ")" }
	}
	text = l.text(e)
	if e.Text != "" {
		text += ": " + e.Text
	}
	return l.call, text
}

type demoLine struct {
	call string
	text func(demoEvent) string
}

// demoLines has the engine's events, by process and TraceEvent.What.
var demoLines = map[[2]string]demoLine{
	{"server", "create port"}: {"NtCreatePort", func(e demoEvent) string { return "made " + e.Port }},
	{"client", "connect"}:     {"NtConnectPort", func(e demoEvent) string { return "asks for " + e.Port + " and waits" }},
	{"server", "connection request"}: {"NtListenPort", func(e demoEvent) string {
		return "returns: a connection request of " + whoIs(e.Peer)
	}},
	{"server", "accept"}:    {"NtAcceptConnectPort", func(e demoEvent) string { return "accepts " + whoIs(e.Peer) }},
	{"server", "complete"}:  {"NtCompleteConnectPort", func(e demoEvent) string { return "lets the client go on" }},
	{"server", "refuse"}:    {"NtAcceptConnectPort", func(e demoEvent) string { return "refuses " + whoIs(e.Peer) }},
	{"client", "connected"}: {"NtConnectPort", func(e demoEvent) string { return "returns: connected to " + whoIs(e.Peer) }},
	{"client", "refused"}:   {"NtConnectPort", func(e demoEvent) string { return "returns: no connection" }},

	{"client", "call"}:     {"NtRequestWaitReplyPort", func(e demoEvent) string { return "sends " + load(e) + " and waits" }},
	{"client", "reply"}:    {"NtRequestWaitReplyPort", func(e demoEvent) string { return "returns: the reply, " + load(e) }},
	{"client", "datagram"}: {"NtRequestPort", func(e demoEvent) string { return "sends " + load(e) }},
	{"server", "callback"}: {"NtRequestWaitReplyPort", func(e demoEvent) string { return "asks the waiting client, " + load(e) }},
	{"server", "reply"}:    {"NtRequestWaitReplyPort", func(e demoEvent) string { return "returns: the answer, " + load(e) }},

	{"server", "request received"}:  {"NtReplyWaitReceivePort", func(e demoEvent) string { return "returns: a request, " + load(e) }},
	{"server", "datagram received"}: {"NtReplyWaitReceivePort", func(e demoEvent) string { return "returns: a datagram, " + load(e) }},
	{"server", "replied"}:           {"NtReplyWaitReceivePort", func(e demoEvent) string { return "replies " + load(e) + " and waits for more" }},
	{"client", "callback received"}: {"NtRequestWaitReplyPort", func(e demoEvent) string { return "returns: a request of the server, " + load(e) }},
	{"client", "replied"}:           {"NtReplyWaitReplyPort", func(e demoEvent) string { return "answers " + load(e) + " and goes on waiting" }},

	{"client", "peer died"}: {"", func(e demoEvent) string { return "notices that " + whoIs(e.Peer) + " is gone" }},
	{"server", "peer died"}: {"", func(e demoEvent) string { return "notices that " + whoIs(e.Peer) + " is gone" }},
	{"client", "closed"}:    {"NtClose", func(e demoEvent) string { return "the connection to " + whoIs(e.Peer) + " is closed" }},
	{"server", "closed"}:    {"NtClose", func(e demoEvent) string { return "the connection to " + whoIs(e.Peer) + " is closed" }},
}

// load is the data of a message and where it stands.
func load(e demoEvent) string {
	if e.Section {
		return size(e.Bytes) + " in the section"
	}
	return size(e.Bytes) + " inline"
}
