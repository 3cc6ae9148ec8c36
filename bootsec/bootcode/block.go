package bootcode

import (
	"fmt"
	"sort"
)

// Block is a run of instructions that is entered at its start only and left at
// its end only.
type Block struct {
	Nodes []*Node
	Out   []Edge // to other blocks, by the address of their first instruction
}

// Start returns the address of the first instruction.
func (b *Block) Start() uint32 { return b.Nodes[0].Linear }

// Last returns the last instruction.
func (b *Block) Last() *Node { return b.Nodes[len(b.Nodes)-1] }

// Name returns the block's address as seg:off.
func (b *Block) Name() string { return fmt.Sprintf("%04x:%04x", b.Nodes[0].Seg, b.Nodes[0].Off) }

// Blocks returns the flow of control as blocks, in the order in which they
// stand in the sector.
func (c *Code) Blocks() []*Block {
	heads := map[uint32]bool{c.Entry(): true}
	into := map[uint32]int{}
	for _, n := range c.Nodes {
		for _, e := range n.Next {
			into[e.To]++
			if e.Kind != Fall {
				heads[e.To] = true
			}
		}
		if len(n.Next) != 1 || n.Next[0].Kind != Fall {
			for _, e := range n.Next {
				heads[e.To] = true
			}
		}
	}
	for to, n := range into {
		if n > 1 {
			heads[to] = true
		}
	}
	var blocks []*Block
	taken := map[uint32]bool{}
	for _, n := range c.Nodes {
		if taken[n.Linear] || !heads[n.Linear] && into[n.Linear] > 0 {
			continue
		}
		blocks = append(blocks, c.block(n, heads, taken))
	}
	sort.SliceStable(blocks, func(i, j int) bool { return blocks[i].Nodes[0].Offset < blocks[j].Nodes[0].Offset })
	return blocks
}

// block collects the instructions from n on.
func (c *Code) block(n *Node, heads, taken map[uint32]bool) *Block {
	b := &Block{}
	for n != nil && !taken[n.Linear] {
		b.Nodes = append(b.Nodes, n)
		taken[n.Linear] = true
		b.Out = nil
		for _, e := range n.Next {
			if c.nodes[e.To] != nil {
				b.Out = append(b.Out, e)
			}
		}
		if len(b.Out) != 1 || b.Out[0].Kind != Fall || heads[b.Out[0].To] {
			break
		}
		n = c.nodes[b.Out[0].To]
	}
	return b
}
