package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/census"
	"github.com/seed-eedd8485/lpc/kd/picture"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
)

// graphCmd is lpc graph.
type graphCmd struct {
	lookAt
	Out    string `short:"o" name:"output" placeholder:"FILE" help:"Write to FILE.svg, or to FILE.dot for Graphviz; - is standard output."`
	Format string `short:"T" name:"format" enum:",svg,dot,json" default:"" placeholder:"svg|dot|json" help:"What to write: by default what -o's name says, else dot. json is what the picture is drawn from."`
	Layout string `name:"layout" enum:"own,dot" default:"own" placeholder:"own|dot" help:"Who places the boxes of an svg: lpc (own), or Graphviz's dot where it is installed."`
	Limit  int    `name:"limit" default:"50" placeholder:"N" help:"Show up to N processes, ports and waits one by one; above, alike ones are joined (50)."`
}

// Run draws the picture.
func (g *graphCmd) Run() error {
	format, err := g.format()
	if err != nil {
		return err
	}
	t, err := g.open()
	if err != nil {
		return fmt.Errorf("graph: %w", err)
	}
	defer func() { _ = t.Close() }()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c, err := takeCensus(ctx, "graph", t)
	if err != nil {
		return err
	}
	p := picture.Build(c, g.Limit)
	var b bytes.Buffer // whole, or nothing is written
	if err := g.draw(ctx, &b, c, p, format); err != nil {
		return err
	}
	if g.Out == "" || g.Out == "-" {
		_, err = os.Stdout.Write(b.Bytes())
		return err
	}
	if err := os.WriteFile(g.Out, b.Bytes(), 0o666); err != nil {
		return fmt.Errorf("graph: writing %s: %w", g.Out, bare(err))
	}
	fmt.Println(escape.Text(g.Out) + ": " + p.Summary)
	return nil
}

// format is what is to be written.
func (g *graphCmd) format() (string, error) {
	if g.Limit < 1 {
		return "", usageError{fmt.Sprintf("--limit is %d, expected 1 or more", g.Limit)}
	}
	format := g.Format
	if format == "" {
		switch ext := strings.ToLower(filepath.Ext(g.Out)); {
		case g.Out == "" || g.Out == "-":
			format = "dot"
		case ext == ".svg" || ext == ".dot" || ext == ".json":
			format = ext[1:]
		default:
			return "", usageError{fmt.Sprintf("%s is no name of a picture, expected one that ends in .svg or .dot, or -T", g.Out)}
		}
	}
	if g.Layout == "dot" && format != "svg" {
		return "", usageError{fmt.Sprintf("--layout=dot places the boxes of an svg, not of %s", format)}
	}
	if info, err := os.Stat(g.Out); g.Out != "" && g.Out != "-" && err == nil && !info.Mode().IsRegular() {
		return "", usageError{fmt.Sprintf("%s is no file and is not replaced", g.Out)}
	}
	return format, nil
}

func (g *graphCmd) draw(ctx context.Context, w io.Writer, c *census.Census, p *picture.Picture, format string) error {
	switch {
	case format == "json":
		return c.WriteJSON(w)
	case format == "dot":
		return p.WriteDOT(w)
	case g.Layout == "own":
		return p.WriteSVG(w)
	}
	return throughDot(ctx, w, p)
}

// throughDot has Graphviz place the boxes.
func throughDot(ctx context.Context, w io.Writer, p *picture.Picture) error {
	var in, said bytes.Buffer
	if err := p.WriteDOT(&in); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "dot", "-Tsvg")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, w, &said
	switch err := cmd.Run(); {
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("graph: --layout=dot needs Graphviz's dot, which is not installed")
	case err != nil:
		line, _, _ := strings.Cut(said.String(), "\n")
		return fmt.Errorf("graph: dot: %w: %s", err, line)
	}
	return nil
}

// showsObjects says why a target does not show what a census counts, nil where it does.
func showsObjects(who string, t target.Target) error {
	if why := t.Lacks(target.Objects | target.Threads); why != "" {
		return fmt.Errorf("%s: %s", who, why)
	}
	if t.System() == nil {
		return fmt.Errorf("%s: this target shows no objects", who)
	}
	return nil
}

// takeCensus looks at a target.
func takeCensus(ctx context.Context, who string, t target.Target) (*census.Census, error) {
	if err := showsObjects(who, t); err != nil {
		return nil, err
	}
	c, err := census.Take(ctx, records.NewReader(t))
	if errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	return c, err
}

// bare is the error without the operation and path that os puts before it.
func bare(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
