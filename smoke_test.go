package lpc

import (
	"bytes"
	"context"
	"testing"
)

func TestSmoke(t *testing.T) {
	t.Setenv("LPC_ROOT", t.TempDir())
	p, err := Listen("smoke", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	served := make(chan error)
	go func() {
		served <- Serve(ctx, p, HandlerFunc(func(r Request) { _ = r.Reply(r.View()) }))
	}()
	c, err := Dial(ctx, "smoke", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 304, 305, 70000, 5 << 20} {
		b := bytes.Repeat([]byte{'x'}, n)
		for range 3 {
			r, err := c.Call(ctx, b)
			if err != nil || !bytes.Equal(r, b) {
				t.Fatal(n, err, len(r))
			}
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	t.Log(<-served)
}

func BenchmarkLocal(b *testing.B) {
	b.Setenv("LPC_ROOT", b.TempDir())
	p, err := Listen("smoke", nil)
	if err != nil {
		b.Fatal(err)
	}
	go Serve(b.Context(), p, HandlerFunc(func(r Request) { _ = r.Reply(r.View()) }))
	c, err := Dial(b.Context(), "smoke", nil)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 64)
	req := make([]byte, 32)
	for b.Loop() {
		if _, err := c.CallInto(context.Background(), req, buf); err != nil {
			b.Fatal(err)
		}
	}
}
