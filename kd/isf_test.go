package kd_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// withSymbols is a shipped description with symbols of our own, as a file.
func withSymbols(t *testing.T, from string, symbols map[string]uint64) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "ntdump", "types", from))
	if err != nil {
		t.Fatal(err)
	}
	var content map[string]any
	if err := json.Unmarshal(data, &content); err != nil {
		t.Fatal(err)
	}
	list := map[string]any{}
	for name, rva := range symbols {
		list[name] = map[string]any{"address": rva}
	}
	content["symbols"] = list
	if data, err = json.Marshal(content); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "nt.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Symbols from a file name the kernel's places, in stacks and in expressions.
func TestIsfSymbols(t *testing.T) {
	s := newNtScene(dumptest.XP)
	path := withSymbols(t, "xp-x86.json", map[string]uint64{"KiSwapContext": atSwap - 0x2e, "NtReplyWaitReceivePortEx": atReceive - 0x3dc, "KiFastCallEntry": atEntry - 0xf8})
	text := transcript(t, openDump(t, s.Dump(dumptest.Full)),
		"r @eip", f(".isf %s", path), f(".thread %x", s.waiter), "kv", "lm m nt", "dps nt!KiSwapContext L1", "u nt!KiFastCallEntry+1000000 L1", "k = 0 0 nt!KiSwapContext 1", "!stacks 0 swapcontext",
		"dps nt!NoSuch", "dps greedy!x", "dps none!x", "da greedy", ".isf -", "lm m nt", "kv 1")
	golden.Text(t, "windows/isf.txt", strings.ReplaceAll(text, path, "nt.json"))
}

// A file that cannot be that of the dump is refused.
func TestIsfRefused(t *testing.T) {
	s := newNtScene(dumptest.XP)
	tg := openDump(t, s.Dump(dumptest.Full))
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]string{
		withSymbols(t, "2003sp2-x64.json", nil): "describes pointers of 8 bytes, the dump's have 4: it is of another kernel",
		text:                                    "text",
		"none.json":                             "no such file",
		"a b":                                   "b is too much",
	} {
		if out, _, err := run(t, tg, ".isf "+arg); err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("%s: %v, %q, want %q", arg, err, out, want)
		}
	}
	if out, _, err := run(t, tg, ".isf"); err != nil || !strings.HasPrefix(out, "Types: built in: XP SP2/SP3 x86, ") {
		t.Errorf("%v: %s", err, out)
	}
}

// .formats shows a number in each form.
func TestFormats(t *testing.T) {
	s := newNtScene(dumptest.XP)
	tg := openDump(t, s.Dump(dumptest.HeaderOnly))
	golden.Text(t, "windows/formats.txt", transcript(t, tg, ".formats 61626364", ".formats ffffffff", ".formats 0n10 + 1", ".formats", ".formats 0x1g"))
	wide := openDump(t, newNtScene(dumptest.X64).Dump(dumptest.HeaderOnly))
	golden.Text(t, "windows/formats_x64.txt", transcript(t, wide, ".formats 1c9f3a5b2d4e600", ".formats ffffffffffffffff", ".formats 3ff0000000000000"))
}
