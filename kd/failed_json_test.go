package kd_test

import (
	"encoding/json"
	"fmt"
	"testing"
)

type failure struct {
	Process, ID       uint32
	What, Port, Cause string
	SecondsAgo        float64
	Bytes, Limit      uint64
	OtherProcess      uint64
}

// TestFailedJSON: what failed, as JSON: all of it, of one process, and of one message.
func TestFailedJSON(t *testing.T) {
	s := play(t, named(t, "failed"))
	s.session.JSON = true
	list := func(line string) []failure {
		t.Helper()
		var answer struct {
			Result struct{ Failed []failure }
		}
		if err := json.Unmarshal([]byte(s.run(t, line)), &answer); err != nil {
			t.Fatal(err)
		}
		return answer.Result.Failed
	}
	client := uint32(s.children[1].PID())
	causes := map[string]uint32{}
	var dropped failure
	for _, f := range list("!failed") {
		causes[f.Cause]++
		if f.Port != "alpha" || f.SecondsAgo < 0 || f.OtherProcess == 0 || f.OtherProcess == uint64(f.Process) {
			t.Errorf("%+v", f)
		}
		switch f.Cause {
		case "too large":
			if f.Bytes != 1001 || f.Limit != 1000 || f.ID != 0 || f.What != "message without an id" {
				t.Errorf("%+v", f)
			}
		case "the handler gave no reply":
			dropped = f
		}
	}
	if fmt.Sprint(causes) != "map[cancelled: the caller gave up:2 the handler gave no reply:1 the reply was lost: nobody waited for it:1 too large:1]" {
		t.Errorf("causes: %v", causes)
	}
	for _, f := range list(fmt.Sprintf("!failed 0n%d", client)) {
		if f.Process != client {
			t.Errorf("asked of process %d: %+v", client, f)
		}
	}
	one := list(fmt.Sprintf("!lpc message %x", dropped.ID))
	for _, f := range one {
		if f.ID != dropped.ID {
			t.Errorf("asked for %#x: %+v", dropped.ID, f)
		}
	}
	if len(one) == 0 || dropped.ID == 0 {
		t.Errorf("of message %#x: %+v", dropped.ID, one)
	}
	if all := list("!lpc message"); len(all) != 0 {
		t.Errorf("without an id: %+v", all)
	}
}
