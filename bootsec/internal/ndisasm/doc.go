// Package ndisasm holds our disassembly against that of an independent
// disassembler, ndisasm of the Netwide Assembler. It is for tests alone: no
// product code imports it.
//
// The two write the same instruction differently: 7C00h and 0x7c00, je and jz,
// "movs byte ptr es:[di],byte ptr [si]" and movsb. Normalise removes those
// differences and nothing else, by the numbered rules of rules.go, at most 20,
// each with a case in rules_test.go. What still differs afterwards is a
// disagreement about the instruction.
//
// A test that calls Run skips with a reason where ndisasm is not installed
// (Debian package nasm).
package ndisasm
