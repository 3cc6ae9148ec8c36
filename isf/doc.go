// Package isf holds type descriptions: which fields a structure has, at which
// offsets, of which types, and where a kernel's global variables stand. A command
// of the debugger never knows an offset; it asks here by NT's names
// (_LPCP_PORT_OBJECT, MsgQueue), so that one command reads a pool of ours, an XP
// dump and a Windows 11 dump alike.
//
// The text form is ISF JSON, volatility3's "intermediate symbol format"
// (docs/kd.md tells which parts are read): base_types, user_types, enums, symbols,
// metadata. A pool of ours carries its own in its header; Windows builds come from
// files that are shipped here, from .isf FILE, or from a PDB, which fills the same
// Types.
//
// How a description passes through: Open undoes .xz and .gz within bounds, Parse
// turns the JSON into a Content, New checks a Content (the PDB reader in isf/pdb
// makes one too) and indexes it; the result is a Types. Find follows a path of
// fields through it, List prints a structure as dt does, Write saves it as JSON.
//
// What never stands here: memory. A Types is immutable after it was made and may
// be used by any number of goroutines.
package isf
