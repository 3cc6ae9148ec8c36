package kd

import "fmt"

// firstALPC is the first build in which LPC is an old name for ALPC (Windows
// Vista).
const firstALPC = 6000

func init() {
	for _, c := range []*Command{&cmdLpc, &cmdLpcMessage, &cmdLpcPort, &cmdLpcScan, &cmdLpcThread, &cmdLpcPoolSearch} {
		c.Refuse = refuseEmulated
	}
}

// refuseEmulated is for all of !lpc on a dump of Vista or later: no structure of LPC
// is there, and none is guessed.
func refuseEmulated(s *Session) error {
	w := s.windows()
	if w == nil {
		return nil
	}
	build := w.Dump().Header().Build
	if build < firstALPC {
		return nil
	}
	return fmt.Errorf("LPC is emulated over ALPC since Windows Vista, and this is build %d: its ports are ALPC ports, which !alpc shows (/p Port, /m Message, /lpp Process)", build)
}
