package ntconform

// Beginnings that most scenes share. Each leaves the handles ccp, srv and cli, and the
// connector's request as the message "request".

// listening: S has the port.
func listening() []Step { return []Step{Do("S", "NtCreatePort", nil)} }

// requested: and C waits in NtConnectPort, whose request S has received.
func requested() []Step { return requestedWith(nil) }

// requestedWith: with parameters of NtConnectPort.
func requestedWith(in P) []Step {
	return append(listening(), Waits("C", "NtConnectPort", in), Do("S", "NtListenPort", nil))
}

// accepted: and S has accepted it, with the context 0xC0DE.
func accepted() []Step { return append(requested(), Do("S", "NtAcceptConnectPort", nil)) }

// connected: and completed it, so that C is connected.
func connected() []Step { return append(accepted(), completed("C")...) }

// connectedWith: with parameters of NtConnectPort.
func connectedWith(in P) []Step { return append(requestedWith(in), letIn("C")...) }

// asked: connected, and C waits for the reply to a request "hello" that S has
// received as the message "got".
func asked() []Step { return append(connected(), asks("C", "$cli", "hello", "got")...) }

// Steps on the way to a connection.

// letIn: S accepts a connector's request and completes it, and th is connected.
func letIn(th string) []Step {
	return append([]Step{Do("S", "NtAcceptConnectPort", nil)}, completed(th)...)
}

// completed: S completes the connection that it has accepted, and th is connected.
func completed(th string) []Step {
	return []Step{Do("S", "NtCompleteConnectPort", nil), Returns(th, success)}
}

// turnedAway: S refuses a connector's request, and th is told.
func turnedAway(th string) []Step {
	return []Step{Do("S", "NtAcceptConnectPort", P{"AcceptConnection": "0"}), Returns(th, refused)}
}

// another connects thread th to S's port: handles cli and srv get that suffix, its
// context is 0xC0DE and the number.
func another(th, suffix, context string) []Step {
	return []Step{
		Waits(th, "NtConnectPort", P{"PortHandle": "cli" + suffix}),
		Do("S", "NtListenPort", P{"ConnectionRequest": "request" + suffix}),
		Do("S", "NtAcceptConnectPort", P{"PortHandle": "srv" + suffix, "PortContext": context, "ConnectionRequest": "request" + suffix}),
		Do("S", "NtCompleteConnectPort", P{"PortHandle": "$srv" + suffix}),
		Returns(th, success),
	}
}

// Steps of messages. Who sends makes the message "m", who answers "answer".

// sends: C sends a datagram.
func sends(data string) []Step { return sendsOn("C", "$cli", data) }

// sendsOn: th sends a datagram through a port.
func sendsOn(th, port, data string) []Step {
	return []Step{Verb(th, "make", P{"data": "text:" + data}), Do(th, "NtRequestPort", P{"PortHandle": port})}
}

// gets: S receives a message with that data.
func gets(data string) Step {
	return Do("S", "NtReplyWaitReceivePort", nil).Gives(P{"ReceiveMessage.Data": "text:" + data})
}

// calls: th sends a request through a port and waits for its reply. Nobody has received
// it yet.
func calls(th, port, data string) []Step {
	return []Step{Verb(th, "make", P{"data": "text:" + data}), Waits(th, "NtRequestWaitReplyPort", P{"PortHandle": port})}
}

// asks: and S receives it.
func asks(th, port, data, as string) []Step {
	return append(calls(th, port, data),
		Do("S", "NtReplyWaitReceivePort", P{"ReceiveMessage": as}).Gives(P{"ReceiveMessage.Type": "1", "ReceiveMessage.Data": "text:" + data, "ReceiveMessage.ClientId": "@" + th}))
}

// answer: S makes an answer to a request it got.
func answer(from, data string) Step { return answerOf("S", from, data) }

func answerOf(th, from, data string) Step {
	return Verb(th, "make", P{"name": "answer", "from": from, "data": "text:" + data})
}

// replied: by answers the request "got" through a port, and th has the answer.
func replied(by, th, port, data string) []Step {
	return []Step{answerOf(by, "got", data), Do(by, "NtReplyPort", P{"PortHandle": port}),
		Returns(th, success).Gives(P{"ReplyMessage.Type": "2", "ReplyMessage.Data": "text:" + data})}
}

// answered: S answers what it got last, and th has the answer.
func answered(th string) []Step { return replied("S", th, "$srv", "reply") }

// answersCall: C, called back, answers the call, which it has as "reply", and waits for
// its own reply again.
func answersCall(data string) []Step {
	return []Step{
		Verb("C", "make", P{"name": "up", "from": "reply", "data": "text:" + data}),
		Waits("C", "NtReplyWaitReplyPort", P{"PortHandle": "$cli", "ReplyMessage": "up"}),
	}
}

// Steps of ends and mistakes.

// clientCloses: C closes its end, and S is told.
func clientCloses() []Step {
	return []Step{Do("C", "NtClose", P{"Handle": "$cli"}), Do("S", "NtReplyWaitReceivePort", nil).Gives(P{"ReceiveMessage.Type": "5"})}
}

// serverCloses: S closes its end, and th, which waits for a reply, has lost it.
func serverCloses(th string) []Step {
	return []Step{Do("S", "NtClose", P{"Handle": "$srv"}), Returns(th, replyLost)}
}

// noPort: a call of th refuses handles that are none, and one of a section.
func noPort(th, call string) []Step {
	return []Step{
		Fails(th, call, invalidHandle, P{"PortHandle": "0"}),
		Fails(th, call, invalidHandle, P{"PortHandle": "0x4444"}),
		section(th, "section"),
		Fails(th, call, typeMismatch, P{"PortHandle": "$section"}),
	}
}

// section: th has a section of 64 KiB, as $name.
func section(th, name string) Step { return Do(th, "NtCreateSection", P{"SectionHandle": name}) }
