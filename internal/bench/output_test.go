package bench

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/bench/load"
	"github.com/seed-eedd8485/lpc/internal/golden"
)

// sample makes lines of every kind of table with made-up figures.
func sample() []*line {
	var all []*line
	add := func(placement string, hogs int, name, system string, scale float64) {
		l := &line{item: itemNamed(name), placement: placement, hogs: hogs, system: system}
		pairs := 1
		if placement == free {
			pairs = 3
		}
		for p := range pairs {
			var rounds []measured
			for r := range 3 {
				rounds = append(rounds, made(scale*(1+float64(p*3+r)/10)))
			}
			l.pairs = append(l.pairs, rounds)
		}
		all = append(all, l)
	}
	for _, name := range []string{"call/32", "call/1m-8", "view/64k", "callers/1", "callers/64", "send/64", "connect"} {
		add(free, 0, name, "lpc", 0.2)
		add(free, 0, name, "unix", 18)
		if name != "send/64" {
			add(free, 0, name, "netrpc", 46)
		}
		if name == "call/32" {
			add(free, 0, name, "floor", 0.1)
		}
	}
	add(same, 0, "call/32", "lpc", 5.2)
	add(same, 0, "call/32", "unix", 19.4)
	add(free, 2, "call/32", "lpc", 1234.5)
	return append(all,
		&line{item: itemNamed("call/304"), placement: diff, system: "lpc"}, // never measured: not printed
		&line{item: itemNamed(idleMemory), placement: free, system: "lpc", idle: &idleFigures{
			conns: 1000, sample: 200,
			server: footprint{12.25, 6.5, 8, 1}, client: footprint{11.75, 6, 8, 1},
			serverBurst: footprint{14, 7.5, 10, 1}, clientBurst: footprint{13, 7, 10, 1},
		}},
		&line{item: itemNamed(idleCPU), placement: free, system: "lpc", idle: &idleFigures{
			cpuConns: 100, window: 5 * time.Second, cpuMS: 0.012, sinceMS: 12.5,
		}})
}

// made is a round in which a call takes us microseconds.
func made(us float64) measured {
	return measured{cpu: us / 1e6 * 1.5 * 1e4, Result: load.Result{
		Calls: 1e4, MeanUS: us, P50US: us * 0.9, P99US: us * 3, P999US: us * 10, PerS: 1e6 / us,
		CallUS: us + 30, CallP50US: us*0.9 + 30, LoopsUS: 30, HereUS: 13, Together: 0.25, BareUS: us * 2, BareP50US: us * 1.5,
		Slowest: 80, Fastest: 100, Allocs: 0, AllocsDeadline: -1,
	}}
}

func TestTables(t *testing.T) {
	var b bytes.Buffer
	if err := writeTables(&b, sample(), []string{"a note"}); err != nil {
		t.Fatal(err)
	}
	golden.Text(t, "tables.txt", b.String())
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := writeJSON(&b, sample()); err != nil {
		t.Fatal(err)
	}
	golden.Text(t, "lines.json", b.String())
}

// TestJSONFields holds the fields against the list of the specification, in
// its order, and sees that a zero is kept where a field applies.
func TestJSONFields(t *testing.T) {
	const specified = "work bytes reply_bytes callers placement hogs form system rounds mean_us p50_us p99_us p999_us " +
		"per_s cpu_s_per_100k allocs kb_server kb_client"
	full := record{}
	zero := some(0)
	for _, n := range []*number{&full.Bytes, &full.ReplyBytes, &full.Callers, &full.Rounds, &full.MeanUS, &full.P50US,
		&full.P99US, &full.P999US, &full.PerS, &full.CPU, &full.Allocs, &full.KBServer, &full.KBClient} {
		*n = zero
	}
	full.Form = load.Copy
	got, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(got))
	var names []string
	for tok, err := dec.Token(); err == nil; tok, err = dec.Token() {
		if s, ok := tok.(string); ok {
			names = append(names, s)
			if _, err := dec.Token(); err != nil { // its value
				t.Fatal(err)
			}
		}
	}
	if strings.Join(names, " ") != specified {
		t.Errorf("fields\n%s, specified\n%s", strings.Join(names, " "), specified)
	}
	if got, err := json.Marshal(record{}); err != nil || string(got) != `{"work":"","placement":"","hogs":0,"system":""}` {
		t.Errorf("an empty record is %s, %v", got, err)
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{short(0), "0.000"}, {short(0.21345), "0.213"}, {short(-0.5), "-0.500"}, {short(18.214), "18.21"},
		{short(317.25), "317.2"}, {short(4512.3), "4,512"}, {whole(999), "999"}, {whole(1000), "1,000"},
		{whole(-1234567), "-1,234,567"}, {whole(4512331), "4,512,331"},
		{ratio(10, 0), "-"}, {ratio(-1, 2), "-"}, {ratio(1, 4), "0.25x"}, {ratio(50, 2), "25.0x"}, {ratio(1e6, 2), "500,000x"},
	} {
		if c.got != c.want {
			t.Errorf("printed %q, want %q", c.got, c.want)
		}
	}
}

func TestMedianAndWorst(t *testing.T) {
	if median(nil) != 0 || median([]float64{3}) != 3 || median([]float64{4, 1, 2}) != 2 || median([]float64{4, 1, 2, 3}) != 2.5 {
		t.Error("median is not the median")
	}
	l := &line{}
	for _, us := range []float64{1, 2, 30} { // pairs, each with one slow round
		l.pairs = append(l.pairs, []measured{made(us), made(us * 100), made(us)})
	}
	l.pairs = append(l.pairs, nil) // a pair that was not measured does not count
	if l.figure(meanUS) != 2 || l.worst(meanUS, false) != 30 || l.worst(perS, true) != 1e6/30 || l.rounds() != 9 {
		t.Errorf("figure %v, worst %v and %v of %d rounds", l.figure(meanUS), l.worst(meanUS, false), l.worst(perS, true), l.rounds())
	}
}

// TestTableOnly: what the JSON cannot say is said in a sentence.
func TestTableOnly(t *testing.T) {
	got := tableOnly(sample())
	want := "idle server of lpc with 100 connections: 0.01 ms of CPU in 5s"
	if len(got) != 1 || got[0] != want {
		t.Errorf("%q, want %q", got, want)
	}
}
