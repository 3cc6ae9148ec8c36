package holdings

import (
	"time"

	"github.com/seed-eedd8485/lpc/target"
)

// A Document is a Report as JSON: what lpc pool --json prints. Field names stay;
// others may come.
type Document struct {
	Taken     *time.Time   `json:"taken"` // null: not known
	Tags      []TagRow     `json:"tags"`
	Holders   []HolderRow  `json:"holders"` // most bytes first
	Processes []ProcessRow `json:"processes"`
	Quotas    []QuotaRow   `json:"quotas"`
	Notes     []string     `json:"notes"` // what could not be read
}

// A TagRow is what one tag has had of one process: of its pool, or of sections.
type TagRow struct {
	Tag      string `json:"tag"`
	PID      uint32 `json:"pid"`
	Program  string `json:"program"`
	Pool     string `json:"pool"` // "paged", "nonpaged" or "sections"
	Allocs   uint64 `json:"allocs"`
	Frees    uint64 `json:"frees"`
	Diff     uint64 `json:"diff"`
	Bytes    uint64 `json:"bytes"`
	Failures uint64 `json:"failures"`
}

// A HolderRow is a Holding.
type HolderRow struct {
	Tag     string `json:"tag"`
	PID     uint32 `json:"pid"`
	Program string `json:"program"`
	Port    string `json:"port,omitempty"`
	Pool    string `json:"pool"`
	Caller  string `json:"caller,omitempty"`
	Blocks  uint64 `json:"blocks"`
	Bytes   uint64 `json:"bytes"`
}

// A ProcessRow is a process's pool. Reason says why nothing of it is known.
type ProcessRow struct {
	PID       uint32  `json:"pid"`
	Program   string  `json:"program"`
	Pool      string  `json:"pool,omitempty"`
	Used      uint64  `json:"used"`
	Limit     uint64  `json:"limit"`
	Granted   uint64  `json:"sections"`      // bytes of the sections that it allocates in
	InUse     uint64  `json:"sections_used"` // of them allocated
	Excessive bool    `json:"excessive"`
	Failures  uint64  `json:"failures"`
	Quota     string  `json:"failed_quota,omitempty"`
	Reason    *string `json:"reason"`
}

// A QuotaRow is a Quota.
type QuotaRow struct {
	PID       uint32 `json:"pid"`
	Port      string `json:"port"`
	UID       uint32 `json:"uid"`
	Granted   uint64 `json:"granted"`
	Limit     uint64 `json:"limit"`
	Excessive bool   `json:"excessive"`
}

// TagText is a tag's characters as they were given; bit 7 of the last one (a protected
// tag) does not count. Who prints it escapes it.
func TagText(tag [4]byte) string {
	tag[3] &^= 0x80
	return string(tag[:])
}

func poolName(paged, large bool) string {
	switch {
	case large:
		return "sections"
	case paged:
		return "paged"
	}
	return "nonpaged"
}

// TagRows are the tags of all processes, as their accounts say.
func (r *Report) TagRows() []TagRow {
	list := []TagRow{}
	for _, a := range r.Accounts {
		for _, t := range a.Tags {
			row := func(c target.PoolCount, large bool, failures uint64) {
				if c != (target.PoolCount{}) || failures != 0 {
					list = append(list, TagRow{TagText(t.Tag), a.Process.ID, a.Process.Image, poolName(a.Paged, large), c.Allocs, c.Frees, c.Outstanding(), c.Bytes, failures})
				}
			}
			large := t.Large != target.PoolCount{}
			if small := t.Small != (target.PoolCount{}); large && !small {
				row(t.Large, true, t.Failures)
			} else {
				row(t.Small, false, t.Failures)
				row(t.Large, true, 0)
			}
		}
	}
	return list
}

// Document is the Report as JSON has it.
func (r *Report) Document() *Document {
	d := &Document{Tags: r.TagRows(), Holders: []HolderRow{}, Processes: []ProcessRow{}, Quotas: []QuotaRow{}, Notes: append([]string{}, r.Trouble...)}
	if !r.Taken.IsZero() {
		d.Taken = &r.Taken
	}
	for _, h := range r.Holdings {
		d.Holders = append(d.Holders, HolderRow{TagText(h.Tag), h.Process, h.Image, h.Port, poolName(h.Paged, h.Large), h.Caller, h.Blocks, h.Bytes})
	}
	for _, a := range r.Accounts {
		p := ProcessRow{PID: a.Process.ID, Program: a.Process.Image}
		if err := a.Process.Err; err != nil {
			why := err.Error()
			p.Reason = &why
		} else {
			p.Pool, p.Used, p.Limit, p.Granted, p.InUse = poolName(a.Paged, false), a.Used, a.Limit, a.Granted, a.InUse
			p.Excessive, p.Failures, p.Quota = Nears(a.Used, a.Limit), a.Failures, a.FailedQuota
		}
		d.Processes = append(d.Processes, p)
	}
	for _, q := range r.Quotas {
		d.Quotas = append(d.Quotas, QuotaRow{q.Process, q.Port, q.UID, q.Granted, q.Limit, Nears(q.Granted, q.Limit)})
	}
	return d
}
