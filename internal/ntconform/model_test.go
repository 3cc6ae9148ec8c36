package ntconform

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/seed-eedd8485/lpc/nt"
)

// A model is the rules, small: what each thread waits for, what stands on the queue of
// one connection port, in which state each connection is, which messages the server
// has. Its parts follow what a call must cause; actions_test.go makes the calls.
type model struct {
	r       *run
	servers []*mthread
	clients []*mthread
	conns   []*mconn
	held    []*mmsg // received by the server, answered or not
	count   int     // numbers what is made
	story   []string
}

// What a thread does.
type doing int

const (
	idle       doing = iota
	receiving        // in NtReplyWaitReceivePort on the connection port
	connecting       // in NtConnectPort
	asking           // waits for the reply to msg
	called           // waited for msg, and was called back: it has not answered yet
	calling          // calls back who waits for msg
)

type mthread struct {
	name string
	does doing
	msg  *mmsg
	conn *mconn // a client's; a server's that receives: whose end it receives through
}

// A mconn is a connection: its handles are cli and srv and its name.
type mconn struct {
	name, context string
	client        *mthread
	queue         []*mmsg // its messages on the connection port's queue, in order
	done          bool    // accepted and completed
	clientClosed  bool
	serverClosed  bool
}

type mmsg struct {
	kind int    // NT's type
	name string // that the message received has in the scene
	data string
	conn *mconn
	by   *mthread
}

func newModel(d Driver, o *Observer) (*model, error) {
	m := &model{r: &run{d: d, o: o, env: newEnv(fmt.Sprintf("c%d", scenesRun.Add(1))), actors: map[string]*actor{}}}
	for _, n := range []string{"S1", "S2", "S3"} {
		m.servers = append(m.servers, &mthread{name: n})
	}
	for _, n := range []string{"C1", "C2", "D1"} {
		m.clients = append(m.clients, &mthread{name: n})
	}
	return m, m.do(Do("S1", "NtCreatePort", nil))
}

func (m *model) do(steps ...Step) error {
	for i := range steps {
		s := &steps[i]
		m.tell(s)
		if err := m.r.step(s); err != nil {
			return fmt.Errorf("%s %s: %w", s.Thread, s.Call, err)
		}
	}
	return nil
}

// tell writes down what was done, for who reads a failure.
func (m *model) tell(s *Step) {
	line := s.Thread + " " + s.Call
	for _, k := range slices.Sorted(maps.Keys(s.In)) {
		line += " " + k + "=" + s.In[k]
	}
	if s.Status != success {
		line += " -> " + s.Status.String()
	}
	m.story = append(m.story, line)
}

// begins makes a call that may wait or not by the time one looks.
func (m *model) begins(s *Step) error {
	a, err := m.r.actor(s.Thread)
	if err != nil {
		return err
	}
	m.tell(s)
	req, err := m.r.request(s)
	if err == nil {
		a.begin(s, req)
	}
	return err
}

func (m *model) fresh(prefix string) string {
	m.count++
	return fmt.Sprintf("%s%d", prefix, m.count)
}

// queued are the messages that a receive may give: the first of each connection.
func (m *model) queued() (first []*mmsg) {
	for _, c := range m.conns {
		if len(c.queue) > 0 {
			first = append(first, c.queue[0])
		}
	}
	return first
}

// receive is the call of a receive on the connection port.
func (m *model) receive(th *mthread) Step {
	return Do(th.name, "NtReplyWaitReceivePort", P{"ReceiveMessage": "in-" + th.name, "PortContext": "context-" + th.name})
}

// arrived follows a message that has come onto the queue: if threads receive, one of
// them has it.
func (m *model) arrived() error {
	for end := time.Now().Add(patience); ; runtime.Gosched() {
		waiting := 0
		for _, th := range m.servers {
			if th.does != receiving {
				continue
			}
			if waiting++; len(m.r.actors[th.name].Result()) > 0 {
				th.does = idle
				return errors.Join(m.do(Returns(th.name, success)), m.took(th))
			}
		}
		if waiting == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("of %d threads that receive, none has got the message", waiting)
		}
	}
}

// took finds out which of the queued messages a thread has received.
func (m *model) took(th *mthread) error {
	var why []string
	for _, g := range m.queued() {
		if err := m.is(th, g); err != nil {
			why = append(why, err.Error())
			continue
		}
		g.conn.queue = g.conn.queue[1:]
		g.name = m.fresh("g")
		m.r.env.msgs[g.name] = slices.Clone(m.r.env.msgs["in-"+th.name])
		if g.kind == nt.LPCConnectionRequest {
			return m.accept(th, g)
		}
		m.held = append(m.held, g)
		return nil
	}
	return fmt.Errorf("%s received a message that is first on no connection's queue: %s", th.name, strings.Join(why, "; "))
}

// is holds what a thread has received against a message.
func (m *model) is(th *mthread, g *mmsg) error {
	want := P{"Type": fmt.Sprint(g.kind)}
	context := g.conn.context
	if g.kind != nt.LPCPortClosed {
		want["Data"], want["ClientId"] = "text:"+g.data, "@"+g.by.name
	}
	if g.kind == nt.LPCConnectionRequest {
		context = "0"
	}
	in, was := m.r.env.msgs["in-"+th.name], newMessage()
	for _, part := range []string{"Type", "ClientId", "Data"} {
		if want[part] == "" {
			continue
		}
		if err := m.r.message("its "+part, part, want[part], was, in); err != nil {
			return err
		}
	}
	return m.r.number("its context", context, m.r.env.values["context-"+th.name])
}

// accept accepts a connection request and completes it: what may come between is what
// the scenes of d.1 show.
func (m *model) accept(th *mthread, g *mmsg) error {
	c := g.conn
	c.done, c.client.does = true, idle
	return m.do(
		Do(th.name, "NtAcceptConnectPort", P{"PortHandle": "srv" + c.name, "PortContext": c.context, "ConnectionRequest": g.name}),
		Do(th.name, "NtCompleteConnectPort", P{"PortHandle": "$srv" + c.name}),
		Returns(c.client.name, success))
}

// waits tells whether a message's sender waits for its reply now.
func (g *mmsg) waits() bool { return g.by.does == asking && g.by.msg == g }

// fits tells whether a reply to a message is accepted through the server's end of c,
// or through the connection port where c is nil (e.3.4).
func (g *mmsg) fits(c *mconn) bool { return c == nil || c == g.conn }

// handle names a port of the server's.
func handle(c *mconn) string {
	if c == nil {
		return "$ccp"
	}
	return "$srv" + c.name
}

// open: the thread can send.
func (th *mthread) open() bool {
	return th.does == idle && th.conn != nil && th.conn.done && !th.conn.clientClosed && !th.conn.serverClosed
}

// end lets every thread go and ends them.
func (m *model) end() error {
	var err error
	closer := "S9"
	for _, th := range m.servers {
		if th.does == receiving {
			err = errors.Join(err, m.do(Verb(closer, "make", P{"name": "end"}), Do(closer, "NtRequestPort", P{"PortHandle": "$ccp", "RequestMessage": "end"})))
		}
	}
	for _, th := range m.servers {
		if th.does == receiving && err == nil {
			err = m.do(Returns(th.name, success))
		}
	}
	for _, c := range m.conns {
		if c.done && !c.serverClosed && err == nil {
			err = m.closeServer(closer, c)
		}
	}
	if err == nil {
		err = m.do(Do(closer, "NtClose", P{"Handle": "$ccp"}))
	}
	for _, th := range m.clients {
		if th.does == connecting && err == nil {
			err = m.do(Returns(th.name, refused).or(nameNotFound))
		}
	}
	return errors.Join(err, m.r.end(err == nil))
}

// closeServer closes the server's end: who waits on it has lost its reply.
func (m *model) closeServer(by string, c *mconn) error {
	c.serverClosed = true
	if err := m.do(Do(by, "NtClose", P{"Handle": "$srv" + c.name})); err != nil {
		return err
	}
	for _, th := range slices.Concat(m.clients, m.servers) {
		if th.msg == nil || th.msg.conn != c {
			continue
		}
		if th.does == asking || th.does == calling {
			if err := m.do(Returns(th.name, replyLost)); err != nil {
				return err
			}
		}
		th.does, th.msg = idle, nil
	}
	return nil
}
