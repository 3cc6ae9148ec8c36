// Package boottest holds boot code of our own, and disks with it, for tests: nothing of
// anybody else's is needed to try what package bootsec says. Each code/NAME.hex is what
// nasm makes of the NAME.asm beside it.
//
// It is for tests and the programs of test scripts alone, and imports no package of this module.
package boottest
