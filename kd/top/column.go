package top

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-eedd8485/lpc/internal/escape"
)

// A column is one of the table of ports.
type column struct {
	head  string
	width int // cells; 0: what is left
	from  int // shown on terminals of that many cells
	left  bool
	text  func(*Row) string
	order func(a, b *Row) int // what comes first
}

// number orders by a number, the largest first.
func number(f func(*Row) float64) func(a, b *Row) int {
	return func(a, b *Row) int { return cmp.Compare(f(b), f(a)) }
}

// columns are the table's: those that tell most stand on a terminal of 80 cells, and
// on a narrower one the first ones. A word of a head is a name for --sort.
var columns = []column{
	{head: "PORT", left: true, text: func(r *Row) string { return escape.Text(r.Name) }, order: func(a, b *Row) int { return strings.Compare(a.Name, b.Name) }},
	{head: "PID", width: 7, from: 30, text: func(r *Row) string { return count(r.Process != 0, int(r.Process)) }, order: func(a, b *Row) int { return cmp.Compare(a.Process, b.Process) }},
	{head: "PROGRAM", width: 15, from: 112, left: true, text: func(r *Row) string { return escape.Text(r.Image) }, order: func(a, b *Row) int { return strings.Compare(a.Image, b.Image) }},
	{head: "CALLS/S", width: 8, from: 40, text: func(r *Row) string { return Rate(r.CallsPerSecond) }, order: number(func(r *Row) float64 { return r.CallsPerSecond })},
	{head: "SENDS/S", width: 8, from: 96, text: func(r *Row) string { return Rate(r.SendsPerSecond) }, order: number(func(r *Row) float64 { return r.SendsPerSecond })},
	{head: "QUEUE", width: 6, from: 46, text: func(r *Row) string { return count(readable(r), r.Queue) }, order: number(func(r *Row) float64 { return float64(r.Queue) })},
	{head: "OLDEST", width: 9, from: 56, text: func(r *Row) string { return age(r.Oldest) }, order: number(func(r *Row) float64 { return float64(r.Oldest) })},
	{head: "BUSY", width: 8, from: 64, text: busy, order: number(share)},
	{head: "CONNS", width: 6, from: 72, text: func(r *Row) string { return count(r.Counted, r.Connections) }, order: number(func(r *Row) float64 { return float64(r.Connections) })},
	{head: "FAILED", width: 7, from: 80, text: func(r *Row) string { return count(r.Counted, int(r.Failures)) }, order: number(func(r *Row) float64 { return float64(r.Failures) })},
}

func readable(r *Row) bool { return r.Unreadable == "" }

func count(known bool, n int) string {
	if !known {
		return "-"
	}
	return strconv.Itoa(n)
}

// busy is how many receivers of all are busy.
func busy(r *Row) string {
	switch {
	case !readable(r):
		return "-"
	case r.Limit == 0:
		return strconv.Itoa(r.Busy)
	}
	return fmt.Sprintf("%d/%d", r.Busy, r.Limit)
}

// share orders by the part of the receivers that is busy, and where none is by how
// many there are.
func share(r *Row) float64 {
	if r.Limit == 0 {
		return float64(r.Busy)
	}
	return float64(r.Busy) / float64(r.Limit)
}

// age is a duration in at most 8 cells: 12.345s, 3:05m, 2:03h, 12d.
func age(d time.Duration) string {
	s := int(d / time.Second)
	switch {
	case d < 0:
		return "-"
	case d < time.Minute:
		return fmt.Sprintf("%d.%03ds", s, int(d/time.Millisecond)%1000)
	case d < time.Hour:
		return fmt.Sprintf("%d:%02dm", s/60, s%60)
	case d < 100*time.Hour:
		return fmt.Sprintf("%d:%02dh", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dd", s/86400)
}

// Rate is a number a second in at most 7 cells; "-" where it is not known.
func Rate(v float64) string {
	switch {
	case v < 0:
		return "-"
	case v == 0:
		return "0"
	case v < 9.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v < 999999.5:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v/1e6, 'f', 2, 64) + "M"
}

// columnNamed is the column with that name, -1 for none: its head in small letters,
// without what follows a slash.
func columnNamed(name string) int {
	return slices.IndexFunc(columns, func(c column) bool {
		head, _, _ := strings.Cut(c.head, "/")
		return strings.EqualFold(head, name)
	})
}

// Columns are the names that Sort takes.
func Columns() (names []string) {
	for _, c := range columns {
		head, _, _ := strings.Cut(c.head, "/")
		names = append(names, strings.ToLower(head))
	}
	return names
}

// Sort orders rows by the column of that name; those that are equal by name and
// process. It is false for a name that no column has.
func Sort(rows []Row, name string, reverse bool) bool {
	i := columnNamed(name)
	if i < 0 {
		return false
	}
	sortBy(rows, i, reverse)
	return true
}

func sortBy(rows []Row, col int, reverse bool) {
	slices.SortStableFunc(rows, func(a, b Row) int {
		n := columns[col].order(&a, &b)
		if reverse {
			n = -n
		}
		return cmp.Or(n, strings.Compare(a.Name, b.Name), cmp.Compare(a.Process, b.Process))
	})
}

// Match tells whether a port is wanted: the filter stands in its name or its program,
// letters of either case alike, or is its process's id.
func Match(r *Row, filter string) bool {
	if filter == "" {
		return true
	}
	f := strings.ToLower(filter)
	return strings.Contains(strings.ToLower(r.Name), f) || strings.Contains(strings.ToLower(r.Image), f) || filter == strconv.Itoa(int(r.Process))
}
