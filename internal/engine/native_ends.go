package engine

import "sync"

// localEnds are the ends of connections whose other end is in this process too.
var localEnds struct {
	sync.Mutex
	all map[endKey]*Conn
}

type endKey struct {
	number uint64
	server bool
}

func (c *Conn) enterLocal() {
	localEnds.Lock()
	defer localEnds.Unlock()
	if localEnds.all == nil {
		localEnds.all = map[endKey]*Conn{}
	}
	localEnds.all[endKey{c.number, c.server}] = c
	if o := localEnds.all[endKey{c.number, !c.server}]; o != nil {
		c.rec.ConnectedPort, o.rec.ConnectedPort = o.addr, c.addr
	}
}

func (c *Conn) leaveLocal() {
	localEnds.Lock()
	defer localEnds.Unlock()
	delete(localEnds.all, endKey{c.number, c.server})
	if o := localEnds.all[endKey{c.number, !c.server}]; o != nil {
		o.rec.ConnectedPort = 0
	}
}

// Server tells the server's end from the client's.
func (c *Conn) Server() bool { return c.server }

// Port is the connection port of a server's end, nil at the client's.
func (c *Conn) Port() *Port { return c.port }
