// Package top is the screen of lpc top without a terminal: it turns looks at a target
// into rows with rates, and keys into what is shown.
//
// A Meter takes one census after the other and gives a Row a port, with what happened
// since the last. Lines and WriteJSON print rows for a pipe. A Screen holds what the
// user does (order, filter, the place in a list, the view that is open): Update gives
// it the next rows, Press a key, Frame what stands on a terminal of some size, as
// lines of styled text. A Parser makes keys of a terminal's bytes, a Painter a
// terminal's bytes of frames.
//
// cmd/lpc owns the terminal, the signals and the clock; nothing here reads or waits,
// so that a test can press keys and look. Every text of a target is escaped. None of
// the types is for more than one goroutine.
package top
