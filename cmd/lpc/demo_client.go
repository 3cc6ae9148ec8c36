package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/seed-eedd8485/lpc"
)

const demoFileSize = 8 << 20

// demoClient is the client process of the demo. One goroutine uses it.
type demoClient struct {
	*stage
	path string // of the file to send
	conn *lpc.Conn
	over chan struct{} // closed when the connection has ended and its trace is complete
	sent int           // messages so far, the connection request among them
}

// callDemo does the steps that the parent asks for until it asks for no more.
func callDemo(path string) error {
	c := &demoClient{stage: newStage(), path: path, over: make(chan struct{})}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var i int
		if _, err := fmt.Sscanf(in.Text(), "step %d", &i); err != nil || i < 0 || i >= len(demoSteps) {
			continue
		}
		if err := demoSteps[i].do(c); err != nil {
			status, text := explain(about(demoPort, err))
			c.say("", 0, "gives up: %s", text)
			c.sign(demoEvent{What: signFailed, Text: text, Status: status, Count: c.sent})
			continue
		}
		c.sign(demoEvent{What: signDone, Step: i, Count: c.sent})
	}
	if c.conn != nil {
		return about(demoPort, c.conn.Close())
	}
	return nil
}

// connect is also where the client says that it will answer callbacks.
func (c *demoClient) connect() (err error) {
	c.sent++
	c.conn, err = lpc.Dial(context.Background(), demoPort, &lpc.DialOptions{
		Info:    []byte("hello, may I come in?"),
		Handler: lpc.HandlerFunc(c.answer),
		Trace:   c.trace,
		OnClose: func(*lpc.Conn, error) { close(c.over) },
	})
	if err != nil {
		c.say("NtConnectPort", 0, "returns: %v", err)
		return err
	}
	c.say("", 0, "finds the connection information %q", c.conn.Info())
	return nil
}

// answer serves the server's callback.
func (c *demoClient) answer(r lpc.Request) {
	id, answer := r.MessageID(), fmt.Appendf(nil, "%d", os.Getpid())
	c.say("", id, "reads %s", quote(r.Bytes()))
	if err := r.Reply(answer); err != nil {
		c.say("", id, "%v", err)
	}
}

// call is one call; an error is told as what the call returned.
func (c *demoClient) call(text string) ([]byte, error) {
	c.sent++
	reply, err := c.conn.Call(context.Background(), []byte(text))
	if err != nil {
		c.say("NtRequestWaitReplyPort", 0, "returns: %v", err)
	}
	return reply, err
}

func (c *demoClient) small() error {
	reply, err := c.call("upper are you there?")
	if err != nil {
		return err
	}
	c.say("", 0, "reads %s", quote(reply))
	return expect(string(reply), "ARE YOU THERE?")
}

// file makes a file of random bytes, reads it straight into section memory and
// calls with that.
func (c *demoClient) file() error {
	var seed [32]byte
	random := rand.NewChaCha8(seed)
	content := make([]byte, demoFileSize)
	_, _ = random.Read(content) // never fails
	if err := os.WriteFile(c.path, content, 0o600); err != nil {
		return err
	}
	defer os.Remove(c.path)
	sum := sha256.Sum256(content)
	want := hex.EncodeToString(sum[:])
	head := "file " + want + "\n"
	ctx := context.Background()
	buf, err := c.conn.Alloc(ctx, len(head)+demoFileSize)
	if err != nil {
		return err
	}
	defer buf.Release()
	if err := readFile(c.path, buf.Bytes()[copy(buf.Bytes(), head):]); err != nil {
		return err
	}
	c.say("", 0, "read a file of %s into section memory, SHA-256 %.16s…", size(demoFileSize), want)
	c.sent++
	reply, err := c.conn.CallBuffer(ctx, buf)
	if err != nil {
		c.say("NtRequestWaitReplyPort", 0, "returns: %v", err)
		return err
	}
	defer reply.Release()
	got := string(reply.Bytes())
	if err := expect(got, want); err != nil {
		return err
	}
	c.say("", 0, "the server's SHA-256 is the file's: %.16s…", got)
	return nil
}

// readFile fills b from the start of the file.
func readFile(path string, b []byte) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.ReadFull(f, b)
	return err
}

func (c *demoClient) datagram() error {
	c.sent++
	return c.conn.Send(context.Background(), []byte("no answer needed"))
}

func (c *demoClient) callback() error {
	reply, err := c.call("ask me something")
	if err != nil {
		return err
	}
	c.say("", 0, "reads %s", quote(reply))
	return expect(string(reply), fmt.Sprintf("you said %d", os.Getpid()))
}

// identity asks the server who it is talking to and checks it.
func (c *demoClient) identity() error {
	reply, err := c.call("who am I?")
	if err != nil {
		return err
	}
	var saw lpc.Caller
	if err := json.Unmarshal(reply, &saw); err != nil {
		return err
	}
	got := fmt.Sprintf("pid %d, uid %d, gid %d", saw.PID, saw.UID, saw.GID)
	if err := expect(got, fmt.Sprintf("pid %d, uid %d, gid %d", os.Getpid(), os.Geteuid(), os.Getegid())); err != nil {
		return err
	}
	c.say("", 0, "is that indeed: %s", got)
	return nil
}

// orphan makes the call in which the server is killed: the death must be the
// call's result.
func (c *demoClient) orphan() error {
	_, err := c.call("hold this")
	if err == nil {
		return errors.New("the call whose server was killed returned without an error")
	}
	<-c.over
	if !errors.Is(err, lpc.ErrPeerDied) {
		return fmt.Errorf("the killed server was not reported as dead: %w", err)
	}
	return nil
}

func expect(got, want string) error {
	if got != want {
		return fmt.Errorf("the reply is %q instead of %q", got, want)
	}
	return nil
}
