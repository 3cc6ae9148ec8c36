package robust

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/seed-eedd8485/lpc"
)

var roles = map[string]func(name string) error{
	"server": serverRole,
	"client": clientRole,
}

// serverRole serves everyOp, once it is told to listen, until its input ends.
func serverRole(name string) error {
	if _, ok := ask()(); !ok {
		return nil
	}
	p, err := lpc.Listen(name, nil)
	if err != nil {
		return err
	}
	onHold = func() { say("held") }
	served := make(chan error, 1)
	go func() { served <- lpc.Serve(context.Background(), p, lpc.HandlerFunc(everyOp)) }()
	say("listening")
	ask()()
	if err := p.Close(); err != nil {
		return err
	}
	<-served
	return nil
}

// scriptEnv is what a client does, step by step, separated by blanks.
const scriptEnv = "LPC_ROBUST_SCRIPT"

// clientRole connects, does its script and waits for its input's end.
func clientRole(name string) error {
	c, err := lpc.Dial(context.Background(), name, &lpc.DialOptions{Handler: lpc.HandlerFunc(everyOp)})
	if err != nil {
		return err
	}
	say("connected")
	for step := range strings.FieldsSeq(os.Getenv(scriptEnv)) {
		if err := clientStep(c, step); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	say("done")
	ask()()
	return c.Close()
}

// clientStep does one step of a script: a step of everything, three calls that
// never return, or the end.
func clientStep(c *lpc.Conn, step string) error {
	switch step {
	case "holds":
		for range holds {
			go func() { _, _ = c.Call(context.Background(), []byte("hold")) }()
		}
		return nil
	case "close":
		return c.Close()
	}
	for _, o := range everything {
		if strings.ReplaceAll(o.name, " ", "-") == step {
			return o.do(c, 1)
		}
	}
	return fmt.Errorf("no step of that name")
}

// holds is how many calls a scenario has in progress that are never answered.
const holds = 3
