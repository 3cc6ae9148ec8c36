//go:build cgo && linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/capitest"
	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/nt"
	"github.com/seed-eedd8485/lpc/security/access"
)

func TestMain(m *testing.M) { os.Exit(capitest.Main(m)) }

// run runs a program that must end well, and gives what it printed.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd, err, out, said.Bytes())
	}
	return string(out)
}

// The layouts are NT's (lpc reference c.1, c.2, c.3, c.7): a table written by hand from
// it, and the Go structs that the library copies into.
func TestLayouts(t *testing.T) {
	out := run(t, exec.Command(capitest.Program(t, "testdata/layout.c")))
	golden.Text(t, "layout.golden", out)
	got := map[string]string{}
	for s := bufio.NewScanner(strings.NewReader(out)); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), " ")
		got[name] = value
	}
	same := func(c string, v any, fields ...string) {
		t.Helper()
		typ := reflect.TypeOf(v)
		if want := strconv.Itoa(int(typ.Size())); got[c] != want {
			t.Errorf("%s has %s bytes in C, %s in Go", c, got[c], want)
		}
		for _, pair := range fields {
			inC, inGo, _ := strings.Cut(pair, "=")
			if inGo == "" {
				inGo = inC
			}
			f, ok := typ.FieldByName(inGo)
			if want := fmt.Sprint(f.Offset, " ", f.Type.Size()); !ok || got[c+"."+inC] != want {
				t.Errorf("%s.%s stands at %s in C, %s in Go (offset, size)", c, inC, got[c+"."+inC], want)
			}
		}
	}
	same("PORT_MESSAGE", nt.PortMessage{}, "DataLength", "TotalLength", "Type", "DataInfoOffset", "ClientId=ClientID", "MessageId=MessageID", "ClientViewSize=CallbackID")
	same("PORT_MESSAGE_BUFFER", nt.Message{}, "Data=Body")
	same("CLIENT_ID", nt.ClientID{}, "UniqueProcess", "UniqueThread")
	same("PORT_VIEW", nt.PortView{}, "Length", "SectionHandle", "SectionOffset", "ViewSize", "ViewBase", "ViewRemoteBase")
	same("REMOTE_PORT_VIEW", nt.RemotePortView{}, "Length", "ViewSize", "ViewBase")
	same("SECURITY_QUALITY_OF_SERVICE", nt.SecurityQualityOfService{}, "Length", "ImpersonationLevel", "ContextTrackingMode", "EffectiveOnly")
	same("PORT_DATA_ENTRY", nt.DataInfoEntry{}, "Base", "DataLength")
	same("OBJECT_ATTRIBUTES", objectAttributes{}, "Length", "RootDirectory", "ObjectName", "Attributes", "SecurityDescriptor", "SecurityQualityOfService=SecurityQos")
	same("UNICODE_STRING", unicodeString{}, "Length", "MaximumLength", "Buffer")
}

// The numbers of lpc.h are those of package nt, and each status has its name there.
func TestConstants(t *testing.T) {
	text, err := os.ReadFile("lpc.h")
	if err != nil {
		t.Fatal(err)
	}
	defined := map[string]uint64{}
	for _, m := range regexp.MustCompile(`(?m)^#define ([A-Z]\w+) (?:\(\(NTSTATUS\))?(0x[0-9A-Fa-f]+|\d+)\)?\s*$`).FindAllStringSubmatch(string(text), -1) {
		v, err := strconv.ParseUint(m[2], 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		defined[m[1]] = v
	}
	statuses := 0
	for name, v := range defined {
		if !strings.HasPrefix(name, "STATUS_") {
			continue
		}
		statuses++
		if got := statusName(nt.Status(v)); got != name {
			t.Errorf("%#x is %s in lpc.h, %s in package nt", v, name, got)
		}
	}
	if statuses < 40 {
		t.Errorf("lpc.h has %d statuses", statuses)
	}
	for name, want := range map[string]uint64{
		"PORT_MAXIMUM_DATA_LENGTH": nt.MaxDataLength, "PORT_TOTAL_MAXIMUM_MESSAGE_LENGTH": nt.MaxMessageLength,
		"PORT_MAXIMUM_CONNECTION_INFORMATION": nt.MaxConnectionInfo, "PORT_ALL_ACCESS": nt.PortAllAccess,
		"LPC_REQUEST": nt.LPCRequest, "LPC_REPLY": nt.LPCReply, "LPC_DATAGRAM": nt.LPCDatagram, "LPC_LOST_REPLY": nt.LPCLostReply,
		"LPC_PORT_CLOSED": nt.LPCPortClosed, "LPC_CLIENT_DIED": nt.LPCClientDied, "LPC_EXCEPTION": nt.LPCException,
		"LPC_DEBUG_EVENT": nt.LPCDebugEvent, "LPC_ERROR_EVENT": nt.LPCErrorEvent, "LPC_CONNECTION_REQUEST": nt.LPCConnectionRequest,
		"LPC_NO_IMPERSONATE": nt.LPCNoImpersonate, "LPC_KERNELMODE_MESSAGE": nt.LPCKernelModeMessage, "LPC_NEW_MESSAGE": nt.LPCNewMessage,
		"SECTION_ALL_ACCESS": nt.SectionAll, "SECTION_MAP_READ": nt.SectionMapRead, "SECTION_MAP_WRITE": nt.SectionMapWrite,
		"PAGE_READONLY": nt.PageReadOnly, "PAGE_READWRITE": nt.PageReadWrite, "OBJ_CASE_INSENSITIVE": nt.ObjCaseInsensitive,
		"DUPLICATE_CLOSE_SOURCE": nt.DuplicateCloseSource, "DUPLICATE_SAME_ACCESS": nt.DuplicateSameAccess,
		"SE_DACL_PRESENT": uint64(access.DACLPresent), "SE_SELF_RELATIVE": uint64(access.SelfRelative), "PORT_CONNECT": uint64(access.PortConnect),
		"SECURITY_STATIC_TRACKING": nt.SecurityStaticTracking, "SECURITY_DYNAMIC_TRACKING": nt.SecurityDynamicTracking,
	} {
		if got, ok := defined[name]; !ok || got != want {
			t.Errorf("%s is %#x in lpc.h (there: %v), %#x in Go", name, got, ok, want)
		}
	}
}

// Every call of lpc.h is in the library, and the library shows nothing else.
func TestSymbols(t *testing.T) {
	dir := capitest.Library(t)
	text, err := os.ReadFile(filepath.Join(dir, "lpc.h"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^LPC_CALL .*?(\w+)\(`).FindAllStringSubmatch(string(text), -1) {
		want[m[1]] = true
	}
	out := run(t, exec.Command(needs.Tool(t, "nm", "binutils"), "-D", "--defined-only", filepath.Join(dir, "liblpc.so")))
	got := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		got[line[strings.LastIndexByte(line, ' ')+1:]] = true
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the library shows %v, lpc.h declares %v", got, want)
	}
	if len(want) < 27 {
		t.Errorf("lpc.h declares %d calls", len(want))
	}
}

// lpc.h is C from C99 on, and C++, without a warning.
func TestHeaderCompiles(t *testing.T) {
	dir := capitest.Library(t)
	compile := func(tool, debian, lang, std string) {
		cmd := exec.Command(needs.Tool(t, tool, debian), "-fsyntax-only", "-x", lang, "-std="+std, "-pedantic", "-Wall", "-Wextra", "-Werror", "-I", dir, "-")
		cmd.Stdin = strings.NewReader("#include <lpc.h>\nint f(PORT_MESSAGE *m); int f(PORT_MESSAGE *m) { return m->DataLength + m->u2.s2.Type; }\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s -std=%s: %v\n%s", tool, std, err, out)
		}
	}
	for _, std := range []string{"c99", "c11", "gnu17"} {
		compile("gcc", "gcc", "c", std)
		compile("clang", "clang", "c", std)
	}
	compile("clang", "clang", "c++", "c++11")
	compile("clang", "clang", "c++", "c++20")
}

// make install puts what pkg-config and a compiler need in place.
func TestInstall(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(needs.Tool(t, "make", "make"), "-C", "..", "--no-print-directory", "install", "OUT="+capitest.Library(t), "PREFIX="+dir)
	run(t, cmd)
	pc, err := os.ReadFile(filepath.Join(dir, "lib/pkgconfig/lpc.pc"))
	if err != nil || !strings.Contains(string(pc), "prefix="+dir+"\n") || strings.Contains(string(pc), "@") {
		t.Errorf("lpc.pc: %v\n%s", err, pc)
	}
	program := filepath.Join(t.TempDir(), "p")
	run(t, exec.Command(needs.Tool(t, "gcc", "gcc"), "-I", dir+"/include", "../examples/c/handshake.c", "-o", program, "-L", dir+"/lib", "-llpc", "-lpthread"))
	cmd = exec.Command(program)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+dir+"/lib")
	run(t, cmd)
}
