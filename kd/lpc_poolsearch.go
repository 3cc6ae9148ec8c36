package kd

import "context"

var cmdLpcPoolSearch = Command{
	Name:  "!lpc PoolSearch",
	Short: "Switch whether !lpc message Id searches the pools too.",
	Long:  `At first it is off: !lpc message Id looks at threads only. Without an id, !lpc message searches the pools in any case.`,
	Needs: lpcNeeds,
}

func init() { cmdLpcPoolSearch.Run = runLpcPoolSearch }

func runLpcPoolSearch(_ context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 0, "!lpc PoolSearch"); err != nil {
		return err
	}
	s.poolSearch = !s.poolSearch
	if s.poolSearch {
		o.Printf("Pool search is on: !lpc message Id searches the pools for the tag LpcM too.\n")
	} else {
		o.Printf("Pool search is off: !lpc message Id searches threads only.\n")
	}
	return nil
}
