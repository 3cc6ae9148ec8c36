package top

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed-eedd8485/lpc/internal/escape"
)

// LineHead names the columns of Lines.
const LineHead = "TIME         PID  CALLS/S  SENDS/S  QUEUE    OLDEST     BUSY  CONNS  FAILED  PORT\n"

// Lines prints rows for a pipe, one a line with its time; a port that may not be read
// with the reason behind its name. The error is w's.
func Lines(w io.Writer, rows []Row, at time.Time) error {
	var b strings.Builder
	for i := range rows {
		r := &rows[i]
		fmt.Fprintf(&b, "%s %7s %8s %8s %6s %9s %8s %6s %7s  %s", at.Format(time.TimeOnly), count(r.Process != 0, int(r.Process)), Rate(r.CallsPerSecond), Rate(r.SendsPerSecond),
			count(readable(r), r.Queue), age(r.Oldest), busy(r), count(r.Counted, r.Connections), count(r.Counted, int(r.Failures)), escape.Text(r.Name))
		if !readable(r) {
			b.WriteString("  " + escape.Text(r.Unreadable))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// jsonRow is a row as JSON: null is not known.
type jsonRow struct {
	Time        time.Time `json:"time"`
	Name        string    `json:"name"`
	PID         *uint32   `json:"pid"`
	Program     *string   `json:"program"`
	Calls       *float64  `json:"callsPerSecond"`
	Sends       *float64  `json:"sendsPerSecond"`
	Queue       *int      `json:"queue"`
	Oldest      *float64  `json:"oldestSeconds"`
	Busy        *int      `json:"busy"`
	Limit       *int      `json:"limit"`
	Connections *int      `json:"connections"`
	Failed      *uint64   `json:"failed"`
	Reason      *string   `json:"reason"`
}

// WriteJSON prints rows for a pipe, one object a line. The error is w's.
func WriteJSON(w io.Writer, rows []Row, at time.Time) error {
	for i := range rows {
		r := &rows[i]
		j := jsonRow{Time: at, Name: r.Name}
		if r.Process != 0 {
			j.PID = &r.Process
		}
		if r.Image != "" {
			j.Program = &r.Image
		}
		if r.CallsPerSecond >= 0 {
			j.Calls, j.Sends = &r.CallsPerSecond, &r.SendsPerSecond
		}
		if readable(r) {
			j.Queue, j.Busy = &r.Queue, &r.Busy
		} else {
			j.Reason = &r.Unreadable
		}
		if r.Oldest >= 0 {
			s := r.Oldest.Seconds()
			j.Oldest = &s
		}
		if r.Limit > 0 {
			j.Limit = &r.Limit
		}
		if r.Counted {
			j.Connections, j.Failed = &r.Connections, &r.Failures
		}
		if err := escape.JSON(w, j); err != nil {
			return err
		}
	}
	return nil
}
