package bench

import (
	"slices"
	"testing"
)

func TestCTimes(t *testing.T) {
	got, err := cTimes("32 bytes: 812 ns per call\n32 bytes: 700 ns per call\n")
	if err != nil || !slices.Equal(got, []float64{700, 812}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "bench: the server did not start\n"} {
		if got, err := cTimes(bad); err == nil {
			t.Errorf("%q gives %v", bad, got)
		}
	}
}
