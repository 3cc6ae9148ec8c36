package ntconform

import "slices"

// Scenes are all scenes, by rows of the reference.
func Scenes() []Scene {
	return slices.Concat(scenesCreate, scenesConnect, scenesListen, scenesAccept, scenesComplete, scenesDatagram,
		scenesRequest, scenesReply, scenesReceive, scenesReplyWait, scenesImpersonate, scenesRequestData, scenesQuery,
		scenesTerminate, scenesStates, scenesMatch, scenesLoss, scenesKernelMade, scenesPorts, scenesClose, scenesThread,
		scenesCommon, scenesViews, scenesContext, scenesCallback, scenesPointers)
}

// scene is a Scene from steps and lists of steps.
func scene(name string, steps ...any) Scene { return needing(0, name, steps...) }

func needing(n Needs, name string, steps ...any) Scene {
	s := Scene{Name: name, Needs: n}
	for _, x := range steps {
		switch x := x.(type) {
		case Step:
			s.Steps = append(s.Steps, x)
		case []Step:
			s.Steps = append(s.Steps, x...)
		}
	}
	return s
}

// Beginnings that most scenes share. Each leaves the handles ccp, srv and cli, and the
// connector's request as the message "request".

// listening: S has the port.
func listening() []Step { return []Step{Do("S", "NtCreatePort", nil)} }

// requested: and C waits in NtConnectPort, whose request S has received.
func requested() []Step {
	return append(listening(), Waits("C", "NtConnectPort", nil), Do("S", "NtListenPort", nil))
}

// accepted: and S has accepted it, with the context 0xC0DE.
func accepted() []Step { return append(requested(), Do("S", "NtAcceptConnectPort", nil)) }

// connected: and completed it, so that C is connected.
func connected() []Step {
	return append(accepted(), Do("S", "NtCompleteConnectPort", nil), Returns("C", success))
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

// asked: connected, and C waits for the reply to a request "hello" that S has
// received as the message "got".
func asked() []Step { return append(connected(), asks("C", "$cli", "hello", "got")...) }

// asks: th sends a request through a port and S receives it.
func asks(th, port, data, as string) []Step {
	return []Step{
		Verb(th, "make", P{"data": "text:" + data}),
		Waits(th, "NtRequestWaitReplyPort", P{"PortHandle": port}),
		Do("S", "NtReplyWaitReceivePort", P{"ReceiveMessage": as}).Gives(P{"ReceiveMessage.Type": "1", "ReceiveMessage.Data": "text:" + data, "ReceiveMessage.ClientId": "@" + th}),
	}
}

// answer: S makes an answer to a request it got.
func answer(from, data string) Step {
	return Verb("S", "make", P{"name": "answer", "from": from, "data": "text:" + data})
}

// answered: S answers what it got last, and th has the answer.
func answered(th string) []Step {
	return []Step{answer("got", "reply"), Do("S", "NtReplyPort", nil),
		Returns(th, success).Gives(P{"ReplyMessage.Type": "2", "ReplyMessage.Data": "text:reply"})}
}

// section: th has a section of 64 KiB, as $name.
func section(th, name string) Step { return Do(th, "NtCreateSection", P{"SectionHandle": name}) }
