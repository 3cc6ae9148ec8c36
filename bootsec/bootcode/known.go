package bootcode

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strings"
	"sync"
)

// knownJSON is a copy of shared/data/boot.json of this project: names, sources
// and digests of known boot code, no code. Its sources are named in each entry:
// pbatard/rufus@6d8fbf9 src/ms-sys, Debian syslinux-common 6.04, Debian
// grub-pc-bin 2.06. A test holds the copy against the original.
//
//go:embed known.json
var knownJSON []byte

// rowBytes is how much of the code one CRC covers.
const rowBytes = 16

// knownCode is one entry of known.json.
type knownCode struct {
	Name   string   `json:"name"`
	Source string   `json:"source"`
	Length int      `json:"length"`      // of the head that is the same everywhere
	SHA256 string   `json:"sha256_head"` // of the head
	Rows   []string `json:"crc32_rows"`  // CRC-32 (IEEE) of each 16 bytes of the head
}

// Recognition says that boot code is known, and where it differs from what is
// known.
type Recognition struct {
	Name    string `json:"name"`
	Source  string `json:"source"`
	Length  int    `json:"length"`            // bytes compared
	Exact   bool   `json:"exact"`             // every one alike
	Rows    int    `json:"rows"`              // rows of 16 bytes compared
	Alike   int    `json:"alike"`             // rows that are alike
	Differs []int  `json:"differs,omitempty"` // offsets of the rows that are not
}

// String returns the recognition in a sentence.
func (r *Recognition) String() string {
	if r == nil {
		return "Unknown boot code."
	}
	if r.Exact {
		return fmt.Sprintf("Known boot code: %s, alike in all %d bytes of its head.", r.Name, r.Length)
	}
	rows := make([]string, len(r.Differs))
	for i, off := range r.Differs {
		rows[i] = fmt.Sprintf("%03x", off)
	}
	return fmt.Sprintf("Known boot code: %s, alike in %d of %d rows; changed in the rows at %s.", r.Name, r.Alike, r.Rows, strings.Join(rows, ", "))
}

var knownCodes = sync.OnceValue(func() []knownCode {
	var file struct {
		Code []knownCode `json:"code"`
	}
	if err := json.Unmarshal(knownJSON, &file); err != nil {
		panic("bootcode: known.json: " + err.Error()) // embedded: a test reads it
	}
	return file.Code
})

// Recognise returns which known boot code data is: alike in its whole head, or
// in at least three quarters of its rows. Installers patch fields in place, and
// boot viruses keep most of what they replace, so the rows that differ are
// named. Of several the one with most rows alike is returned; nil for none.
func Recognise(data []byte) *Recognition {
	var best *Recognition
	for _, k := range knownCodes() {
		r := k.compare(data)
		if r != nil && (best == nil || r.Exact && !best.Exact || r.Exact == best.Exact && r.Alike > best.Alike) {
			best = r
		}
	}
	return best
}

// compare returns nil if less than three quarters of the rows are alike.
func (k knownCode) compare(data []byte) *Recognition {
	if len(data) < k.Length || k.Length == 0 {
		return nil
	}
	head := data[:k.Length]
	r := &Recognition{Name: k.Name, Source: k.Source, Length: k.Length, Rows: len(k.Rows)}
	sum := sha256.Sum256(head)
	r.Exact = hex.EncodeToString(sum[:]) == k.SHA256
	for i, want := range k.Rows {
		row := head[min(i*rowBytes, len(head)):min((i+1)*rowBytes, len(head))]
		if fmt.Sprintf("%08x", crc32.ChecksumIEEE(row)) == want {
			r.Alike++
		} else {
			r.Differs = append(r.Differs, i*rowBytes)
		}
	}
	if !r.Exact && r.Alike*4 < r.Rows*3 {
		return nil
	}
	return r
}
