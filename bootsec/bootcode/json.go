package bootcode

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// jsonNode is an instruction as scripts read it.
type jsonNode struct {
	Address string   `json:"address"`         // seg:off where it runs
	Linear  uint32   `json:"linear"`          //
	Loaded  uint32   `json:"loaded"`          // linear address where the BIOS put it
	Offset  int      `json:"offset"`          // within the sector
	Bytes   string   `json:"bytes"`           // hex
	Text    string   `json:"text"`            // as the listing shows it
	Notes   []string `json:"notes,omitempty"` //
	Next    []uint32 `json:"next,omitempty"`  // linear addresses
}

// MarshalJSON gives the listing, and what was concluded from it.
func (c *Code) MarshalJSON() ([]byte, error) {
	nodes := make([]jsonNode, len(c.Nodes))
	for i, n := range c.Nodes {
		nodes[i] = jsonNode{
			Address: fmt.Sprintf("%04x:%04x", n.Seg, n.Off), Linear: n.Linear, Loaded: n.LoadedAt(c), Offset: n.Offset,
			Bytes: hex.EncodeToString(n.Inst.Bytes), Text: n.Inst.String(), Notes: n.Notes,
		}
		for _, e := range n.Next {
			nodes[i].Next = append(nodes[i].Next, e.To)
		}
	}
	return json.Marshal(struct {
		Load      uint16         `json:"load"`
		Known     *Recognition   `json:"known"`
		Verdict   []string       `json:"verdict"`
		Copies    []Copy         `json:"copies"`
		Services  []Service      `json:"services"`
		Transfers []DiskTransfer `json:"transfers"`
		Exits     []Exit         `json:"exits"`
		Strings   []Text         `json:"strings"`
		Messages  []Text         `json:"messages,omitempty"`
		Bad       []BadCode      `json:"bad,omitempty"`
		Truncated bool           `json:"truncated,omitempty"`
		Code      []jsonNode     `json:"instructions"`
	}{c.Load, c.Known, c.Verdict, list(c.Copies), list(c.Services), list(c.Reads), list(c.Exits), list(c.Strings), c.Messages, c.Bad, c.Truncated, nodes})
}

var _ json.Marshaler = (*Code)(nil)

// list makes an empty list of a nil one: scripts expect [].
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}
