package partition

import "fmt"

// Severity says how bad a finding is.
type Severity string

// Severities. An error makes the table wrong or dangerous to use; a warning is
// what a careful reader wants explained; a note is worth knowing.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Code names a kind of finding. Codes are stable: scripts match them.
type Code string

// Findings of the master boot record.
const (
	ShortSector   Code = "short-sector"   // fewer than 512 bytes: code alone
	NoSignature   Code = "no-signature"   // no 55 AA at 1FE
	NotTable      Code = "not-a-table"    // code or anything else at 1BE
	CopyProtected Code = "copy-protected" // 5A5A at 1BC
	NotChecked    Code = "not-checked"    // a dump of one sector: the rest of the disk is unknown
	BadStatus     Code = "bad-status"     // status neither 00 nor 80
	TwoActive     Code = "two-active"
	NoActive      Code = "no-active"
	Overlap       Code = "overlap"
	BeyondEnd     Code = "beyond-end"
	StartsAtZero  Code = "starts-at-zero" // covers the table itself
	NoSectors     Code = "no-sectors"     // a type, but no length
	NoType        Code = "no-type"        // a length, but type 00
	CHSInvalid    Code = "chs-invalid"    // sector number 0
	CHSMismatch   Code = "chs-mismatch"   // CHS and LBA disagree
	TwoExtended   Code = "two-extended"
)

// Findings of the extended chain.
const (
	ChainLoop      Code = "chain-loop"
	ChainOutside   Code = "chain-outside"    // an EBR outside the extended partition
	ChainSignature Code = "chain-signature"  // an EBR without 55 AA
	ChainTooLong   Code = "chain-too-long"   // more than maxLogical records
	ChainEntry     Code = "chain-entry"      // entries that an EBR must not have
	LogicalOutside Code = "logical-outside"  // reaches out of the extended partition
	LogicalActive  Code = "logical-active"   // status 80 where no boot code looks
	ChainUnread    Code = "chain-unreadable" // the record could not be read
)

// Findings of the GPT. They name the header they are about, primary or backup.
const (
	GPTMissing     Code = "gpt-missing"     // type EE but no header at all
	GPTSignature   Code = "gpt-signature"   // one header is not there
	GPTRevision    Code = "gpt-revision"    // not 1.0
	GPTHeaderSize  Code = "gpt-header-size" // under 92 or over the sector
	GPTHeaderCRC   Code = "gpt-header-crc"
	GPTMyLBA       Code = "gpt-my-lba"       // the header says it stands elsewhere
	GPTAlternate   Code = "gpt-alternate"    // the other header is not where this one says
	GPTUsable      Code = "gpt-usable-range" // first and last usable LBA make no sense
	GPTEntrySize   Code = "gpt-entry-size"   // entry size or count out of bounds
	GPTEntriesLBA  Code = "gpt-entries-lba"  // the entry array is not on the disk
	GPTEntriesCRC  Code = "gpt-entries-crc"
	GPTDiffer      Code = "gpt-headers-differ"
	GPTOutside     Code = "gpt-outside" // an entry outside the usable range
	GPTReversed    Code = "gpt-reversed"
	GPTOverlap     Code = "gpt-overlap"
	GPTDuplicate   Code = "gpt-duplicate-guid"
	GPTUnprotected Code = "gpt-unprotected" // no entry EE in the MBR
	GPTProtective  Code = "gpt-protective"  // the EE entry does not cover the disk
	Hybrid         Code = "hybrid"          // EE and other entries
)

// Findings of volume boot records.
const (
	VolumeUnread  Code = "volume-unreadable"
	VolumeNoBoot  Code = "volume-not-bootable" // the active partition's first sector has no 55 AA
	VolumeType    Code = "volume-type"         // boot record and partition type disagree
	VolumeHidden  Code = "volume-hidden"       // hidden sectors are not the start of the partition
	VolumeTooLong Code = "volume-too-long"     // more sectors than the partition
)

// severities holds the severity of each code; a code that is not here is an
// error.
var severities = map[Code]Severity{
	ShortSector: Note, NotTable: Note, CopyProtected: Note, NotChecked: Note, NoActive: Note, NoType: Warning,
	CHSMismatch: Warning, CHSInvalid: Warning, ChainEntry: Warning, LogicalActive: Warning,
	GPTRevision: Warning, GPTProtective: Warning, Hybrid: Warning, GPTUnprotected: Warning,
	VolumeNoBoot: Warning, VolumeType: Warning, VolumeHidden: Warning, VolumeTooLong: Warning,
}

// A Finding is something wrong or remarkable.
type Finding struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`
	Number   int      `json:"partition,omitempty"` // number of the partition, 0 if of none
	Offset   int64    `json:"offset"`              // of the bytes in question, from the start of the disk
	Text     string   `json:"text"`                // one sentence: what, where, and what was expected
}

// String returns the finding as WriteText prints it.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s [%s]", f.Severity, f.Text, f.Code)
}

// find adds a finding.
func (t *Table) find(code Code, number int, offset int64, format string, args ...any) {
	s, ok := severities[code]
	if !ok {
		s = Error
	}
	t.Findings = append(t.Findings, Finding{Code: code, Severity: s, Number: number, Offset: offset, Text: fmt.Sprintf(format, args...)})
}
