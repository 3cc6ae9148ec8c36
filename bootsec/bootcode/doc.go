// Package bootcode takes the machine code of a boot sector apart: what runs,
// where, and what it does.
//
// Analyze starts where the BIOS does, at linear 7C00 in 16-bit real mode, and
// follows every jump and call; what is never reached is data and stays data.
// The values of registers and of the stack are followed along the way, byte by
// byte, so that a copy of the code to 0000:0600 and the far return into it are
// seen and gone after, so that a BIOS call is named with the registers that
// select it, and so that the verdict can say which sector is read: the one
// that the active partition's entry names, or another.
//
//	c, err := bootcode.Analyze(sector, bootcode.Options{Table: true})
//	c.WriteText(os.Stdout)   // the listing, strings and all
//	c.WriteSVG(f)            // the flow of control
//	for _, s := range c.Verdict { ... }
//
// The following is a reader's help and no proof: both ways of every branch are
// taken, writes to unknown addresses are taken to hit nothing, the direction
// flag is taken as clear. What is not known is said to be not known. Walks are
// bounded (maxSteps), whatever the bytes are.
//
// Known boot code is recognised by the digests in known.json, which hold no
// code; they were computed from the sources that the file names.
//
// A Code does not change after Analyze and may be read by any number of
// goroutines.
package bootcode
