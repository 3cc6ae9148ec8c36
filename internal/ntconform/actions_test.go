package ntconform

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/proctest"
	"github.com/seed-eedd8485/lpc/nt"
	"pgregory.net/rapid"
)

// TestModel plays random sequences of calls, of six threads in one process and in
// three, and holds each against the model. A failure is shrunk to few steps.
func TestModel(t *testing.T) {
	t.Run("one process", func(t *testing.T) { random(t, NewInProcess()) })
	t.Run("processes", func(t *testing.T) {
		d := newGoProcesses()
		random(t, d)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

func random(t *testing.T, d Driver) {
	proctest.Watchdog(t, hangs)
	o := NewObserver()
	t.Cleanup(o.Close)
	rapid.Check(t, func(rt *rapid.T) {
		m, err := newModel(d, o)
		if err != nil {
			rt.Fatal(err)
		}
		failed := true
		defer func() {
			if failed {
				_ = m.r.end(false)
			}
		}()
		actions := map[string]func(*rapid.T){}
		for name, f := range map[string]func(*model, *rapid.T) error{
			"connect": (*model).connect, "request": (*model).request, "datagram": (*model).datagram, "receive": (*model).receives,
			"reply": (*model).reply, "reply and receive": (*model).replyReceive, "call back": (*model).callBack, "answer": (*model).answer,
			"close client": (*model).closesClient, "close server": (*model).closesServer,
		} {
			actions[name] = func(rt *rapid.T) {
				if err := f(m, rt); err != nil {
					rt.Fatalf("%v\nafter:\n%s", err, strings.Join(m.story, "\n"))
				}
			}
		}
		rt.Repeat(actions)
		failed = false
		if err := m.end(); err != nil {
			rt.Fatal(err)
		}
	})
}

// pick draws one of those that will do, or skips the action.
func pick[T any](rt *rapid.T, what string, from []T, ok func(T) bool) T {
	var can []T
	for _, x := range from {
		if ok(x) {
			can = append(can, x)
		}
	}
	if len(can) == 0 {
		rt.Skip("there is no " + what)
	}
	return can[rapid.IntRange(0, len(can)-1).Draw(rt, what)]
}

func isIdle(th *mthread) bool { return th.does == idle }

func (m *model) connect(rt *rapid.T) error {
	th := pick(rt, "client", m.clients, func(th *mthread) bool { return th.does == idle && (th.conn == nil || th.conn.clientClosed) })
	c := &mconn{name: m.fresh(""), client: th}
	c.context = "0x1000+" + c.name
	m.conns = append(m.conns, c)
	th.conn, th.does = c, connecting
	info := "of " + c.name
	c.queue = []*mmsg{{kind: nt.LPCConnectionRequest, data: info, conn: c, by: th}}
	s := Do(th.name, "NtConnectPort", P{"PortHandle": "cli" + c.name, "ConnectionInformation": "text:" + info, "ConnectionInformationLength": "=" + strconv.Itoa(len(info))})
	for _, server := range m.servers {
		if server.does == receiving { // it may be accepted before it is seen to wait
			return errors.Join(m.begins(&s), m.arrived())
		}
	}
	s.Waits = true
	return m.do(s)
}

// message makes a new message of a client's, with data that no other has.
func (m *model) message(th *mthread, kind int) *mmsg {
	return &mmsg{kind: kind, data: m.fresh("data "), conn: th.conn, by: th}
}

func (m *model) request(rt *rapid.T) error {
	th := pick(rt, "client", m.clients, (*mthread).open)
	g := m.message(th, nt.LPCRequest)
	if err := m.do(Verb(th.name, "make", P{"name": "out-" + th.name, "data": "text:" + g.data}),
		Waits(th.name, "NtRequestWaitReplyPort", P{"PortHandle": "$cli" + th.conn.name, "RequestMessage": "out-" + th.name, "ReplyMessage": "back-" + th.name})); err != nil {
		return err
	}
	th.does, th.msg = asking, g
	th.conn.queue = append(th.conn.queue, g)
	return m.arrived()
}

func (m *model) datagram(rt *rapid.T) error {
	th := pick(rt, "client", m.clients, (*mthread).open)
	if len(th.conn.queue) > 50 {
		rt.Skip("the quota is near")
	}
	g := m.message(th, nt.LPCDatagram)
	th.conn.queue = append(th.conn.queue, g)
	if err := m.do(Verb(th.name, "make", P{"name": "out-" + th.name, "data": "text:" + g.data}),
		Do(th.name, "NtRequestPort", P{"PortHandle": "$cli" + th.conn.name, "RequestMessage": "out-" + th.name})); err != nil {
		return err
	}
	return m.arrived()
}

func (m *model) receives(rt *rapid.T) error {
	th := pick(rt, "server", m.servers, isIdle)
	th.conn = nil
	return m.nowReceives(th, m.receive)
}

// nowReceives makes a call that receives: it gives what is there, or waits.
func (m *model) nowReceives(th *mthread, call func(*mthread) Step) error {
	s := call(th)
	if len(m.queued()) == 0 {
		s.Waits = true
		th.does = receiving
		return m.do(s)
	}
	if err := m.do(s); err != nil {
		return err
	}
	return m.took(th)
}

// replies draws a message that the server has, and a port to answer it through, and
// makes the answer. ok: the rules accept it.
func (m *model) replies(rt *rapid.T) (th *mthread, g *mmsg, c *mconn, ok bool, err error) {
	th = pick(rt, "server", m.servers, isIdle)
	g = pick(rt, "message", m.held, func(*mmsg) bool { return true })
	ports := []*mconn{nil}
	for _, c := range m.conns {
		if c.done && !c.serverClosed {
			ports = append(ports, c, c) // mostly ends, not the connection port
		}
	}
	c = pick(rt, "port", ports, func(c *mconn) bool { return g.conn == c || c == nil || rapid.IntRange(0, 3).Draw(rt, "stray") == 0 })
	err = m.do(Verb(th.name, "make", P{"name": "answer-" + th.name, "from": g.name, "data": "text:re " + g.data}))
	return th, g, c, g.waits() && g.fits(c), err
}

// answered follows a reply that was accepted.
func (m *model) answered(g *mmsg) error {
	by := g.by
	by.does, by.msg = idle, nil
	return m.do(Returns(by.name, success).Gives(P{"ReplyMessage.Type": "2", "ReplyMessage.Data": "text:re " + g.data}))
}

func (m *model) reply(rt *rapid.T) error {
	th, g, c, ok, err := m.replies(rt)
	if err != nil {
		return err
	}
	s := Do(th.name, "NtReplyPort", P{"PortHandle": handle(c), "ReplyMessage": "answer-" + th.name})
	if !ok {
		return m.do(notMatched(s, g))
	}
	if err := m.do(s); err != nil {
		return err
	}
	return m.answered(g)
}

// notMatched: the sender of a message whose connection has ended may be known no more.
func notMatched(s Step, g *mmsg) Step {
	s.Status = mismatch
	if g.conn.clientClosed || g.conn.serverClosed {
		s.Or = append(s.Or, invalidCID)
	}
	return s
}

func (m *model) replyReceive(rt *rapid.T) error {
	th, g, c, ok, err := m.replies(rt)
	if err != nil {
		return err
	}
	with := func(th *mthread) Step {
		return m.receive(th).With(P{"PortHandle": handle(c), "ReplyMessage": "answer-" + th.name})
	}
	if !ok {
		return m.do(notMatched(with(th), g))
	}
	if th.conn = c; c != nil && c.clientClosed {
		rt.Skip("through an end that is cut off nothing is received")
	}
	if err := m.nowReceives(th, with); err != nil {
		return err
	}
	return m.answered(g)
}

// callBack: who has a request calls its sender back.
func (m *model) callBack(rt *rapid.T) error {
	th := pick(rt, "server", m.servers, isIdle)
	g := pick(rt, "request", m.held, func(g *mmsg) bool { return g.kind == nt.LPCRequest && !g.conn.serverClosed })
	s := Do(th.name, "NtRequestWaitReplyPort", P{"PortHandle": handle(g.conn), "RequestMessage": "call-" + th.name, "ReplyMessage": "back-" + th.name})
	if err := m.do(Verb(th.name, "make", P{"name": "call-" + th.name, "from": g.name, "Type": "1", "data": "text:call for " + g.data})); err != nil {
		return err
	}
	if !g.waits() {
		s = notMatched(s, g)
		s.Or = append(s.Or, disconnected)
		return m.do(s)
	}
	s.Waits = true
	th.does, th.msg = calling, g
	g.by.does = called
	if err := m.do(s); err != nil {
		return err
	}
	return m.do(Returns(g.by.name, success).Gives(P{"ReplyMessage.Type": "1", "ReplyMessage.Data": "text:call for " + g.data, "ReplyMessage.ClientId": "@" + th.name}))
}

// answer: a client that was called back answers; it waits for its own reply again, or
// gives that up by answering with NtReplyPort.
func (m *model) answer(rt *rapid.T) error {
	th := pick(rt, "client", m.clients, func(th *mthread) bool { return th.does == called })
	g := th.msg
	if err := m.do(Verb(th.name, "make", P{"name": "back-" + th.name, "from": "back-" + th.name, "data": "text:answer of " + th.name})); err != nil {
		return err
	}
	var s Step
	in := P{"PortHandle": "$cli" + th.conn.name, "ReplyMessage": "back-" + th.name}
	if rapid.IntRange(0, 3).Draw(rt, "gives up") == 0 {
		s = Do(th.name, "NtReplyPort", in)
		th.does, th.msg = idle, nil
	} else {
		s = Waits(th.name, "NtReplyWaitReplyPort", in)
		th.does = asking
	}
	if err := m.do(s); err != nil {
		return err
	}
	for _, server := range m.servers {
		if server.does == calling && server.msg == g {
			server.does, server.msg = idle, nil
			return m.do(Returns(server.name, success).Gives(P{"ReplyMessage.Type": "2", "ReplyMessage.Data": "text:answer of " + th.name}))
		}
	}
	return nil
}

func (m *model) closesClient(rt *rapid.T) error {
	th := pick(rt, "client", m.clients, func(th *mthread) bool {
		return th.does == idle && th.conn != nil && th.conn.done && !th.conn.clientClosed
	})
	c := th.conn
	c.clientClosed = true
	if !c.serverClosed {
		c.queue = append(c.queue, &mmsg{kind: nt.LPCPortClosed, conn: c, by: th})
	}
	if err := m.do(Do(th.name, "NtClose", P{"Handle": "$cli" + c.name})); err != nil {
		return err
	}
	if c.serverClosed {
		return nil
	}
	return m.arrived()
}

// closesServer closes an end of whose connection nothing is queued, and through which
// nobody receives: what becomes of those is left open.
func (m *model) closesServer(rt *rapid.T) error {
	th := pick(rt, "server", m.servers, isIdle)
	c := pick(rt, "connection", m.conns, func(c *mconn) bool {
		through := func(th *mthread) bool { return th.does == receiving && th.conn == c }
		return c.done && !c.serverClosed && len(c.queue) == 0 && !slices.ContainsFunc(m.servers, through)
	})
	return m.closeServer(th.name, c)
}
