package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc"
)

// jsonOf runs lpc and decodes each line of its output.
func jsonOf[T any](t *testing.T, args ...string) (list []T) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(outputOf(t, args...)))
	for dec.More() {
		var v T
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("lpc %v: %v", args, err)
		}
		list = append(list, v)
	}
	return list
}

func outputOf(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("lpc", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	dog := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }) // a watchdog: no bound is tested
	defer dog.Stop()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("lpc %v: %v\n%s", args, err, stderr.Bytes())
	}
	return string(out)
}

// portFacts are what every command says of a port.
type portFacts struct {
	Name               string
	PID                int
	Connections, Queue int
}

// TestOneModel: ls, graph, top, !lpc port and lpc.Ports say the same of the same ports.
func TestOneModel(t *testing.T) {
	t.Setenv("LPC_ROOT", t.TempDir())
	name := own + "-held"
	held(t, name)
	serveChild(t, own+"/idle", "--echo")
	settled(t, name)

	type shown struct {
		Name        string `json:"name"`
		PID         int    `json:"pid"`
		Process     int    `json:"process"`
		Kind        string `json:"kind"`
		Address     string `json:"address"`
		Connections *int   `json:"connections"`
		Queue       *int   `json:"queue"`
	}
	mine := func(list []shown, kind string) map[string]portFacts {
		m := map[string]portFacts{}
		for _, p := range list {
			if !strings.HasPrefix(p.Name, own) || p.Kind != kind {
				continue
			}
			if p.Connections == nil || p.Queue == nil {
				t.Errorf("%+v says nothing of connections or queue", p)
				continue
			}
			m[p.Name] = portFacts{p.Name, p.PID + p.Process, *p.Connections, *p.Queue}
		}
		return m
	}

	ls := mine(jsonOf[shown](t, "ls", "--json"), "")
	if len(ls) != 2 || ls[name] != (portFacts{name, os.Getpid(), 1, 1}) {
		t.Fatalf("ls says %v", ls)
	}
	type whole struct {
		Ports []shown `json:"ports"`
	}
	graph := jsonOf[whole](t, "graph", "-T", "json")
	type result struct {
		Result whole `json:"result"`
	}
	kd := jsonOf[result](t, "kd", "--json", "-c", "!lpc port")
	all, err := lpc.Ports(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	library := map[string]portFacts{}
	for _, p := range all {
		library[p.Name] = portFacts{p.Name, p.PID, p.Connections, p.Queued}
	}
	for who, m := range map[string]map[string]portFacts{
		"graph": mine(graph[0].Ports, "connection"), "top": mine(jsonOf[shown](t, "top", "--json", "-n", "1", "-d", "50ms"), ""),
		"!lpc port": mine(kd[0].Result.Ports, "server connection port"), "lpc.Ports": library,
	} {
		if fmt.Sprint(m) != fmt.Sprint(ls) {
			t.Errorf("%s says\n%v, ls\n%v", who, m, ls)
		}
	}

	// The texts too: !lpc port of the address that graph gives shows the queue that ls
	// shows, and the picture says it in words.
	for _, p := range graph[0].Ports {
		if p.Name != name || p.Kind != "connection" {
			continue
		}
		text := outputOf(t, "kd", "-p", fmt.Sprint(os.Getpid()), "-c", "!lpc port "+p.Address)
		if want := fmt.Sprintf("The message queue contains %d messages\n", *p.Queue); !strings.Contains(text, want) {
			t.Errorf("!lpc port %s says\n%s, want %q", p.Address, text, want)
		}
	}
	path := filepath.Join(t.TempDir(), "x.svg")
	outputOf(t, "graph", "-p", fmt.Sprint(os.Getpid()), "-o", path)
	svg, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(svg), "1 of 1 busy, 1 queued") || xml.Unmarshal(svg, new(struct{})) != nil {
		t.Errorf("the picture is\n%s", svg)
	}
	if table := outputOf(t, "ls"); !regexp.MustCompile(fmt.Sprintf(`(?m)^%s +%d +\S+ +1 +1$`, name, os.Getpid())).MatchString(table) {
		t.Errorf("the table of ls is\n%s", table)
	}
	if lines := outputOf(t, "top", "-n", "1", "-d", "50ms", "-f", name); !regexp.MustCompile(fmt.Sprintf(`(?m)^\S+ +%d +0 +0 +1 +\S+ +1/1 +1 +0  %s$`, os.Getpid(), name)).MatchString(lines) {
		t.Errorf("the lines of top are\n%s", lines)
	}
}

// settled waits until the second call of a held port stands in its queue.
func settled(t *testing.T, name string) {
	t.Helper()
	for {
		ports, err := lpc.Ports(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range ports {
			if p.Name == name && p.Queued == 1 {
				return
			}
		}
	}
}
