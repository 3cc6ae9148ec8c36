package pdb

import "fmt"

// maxNotes bounds what is told of what was not read.
const maxNotes = 100

// notes are sentences about parts of a file that were passed over.
type notes struct {
	list []string
	more int
}

func (n *notes) add(format string, args ...any) {
	if len(n.list) == maxNotes {
		n.more++
		return
	}
	n.list = append(n.list, fmt.Sprintf(format, args...))
}

// all returns the sentences, with one about those that were too many.
func (n *notes) all() []string {
	if n.more == 0 {
		return n.list
	}
	return append(n.list[:len(n.list):len(n.list)], fmt.Sprintf("%d more were skipped", n.more))
}
