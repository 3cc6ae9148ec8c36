package kd

import (
	"errors"
	"fmt"
	"strings"
)

// maxLine bounds a line of commands, in bytes.
const maxLine = 64 << 10

// split cuts a line into commands at semicolons, and each into words at blanks.
// Text in double quotes is one word, without the quotes; in it a backslash stands
// for itself, since names are full of them. A line that begins with * is a comment.
func split(line string) (cmds [][]string, err error) {
	if len(line) > maxLine {
		return nil, fmt.Errorf("a line of %d bytes, the limit is %d", len(line), maxLine)
	}
	if strings.HasPrefix(strings.TrimSpace(line), "*") {
		return nil, nil
	}
	var words []string
	var word strings.Builder
	inWord, quoted := false, false
	endWord := func() {
		if inWord {
			words = append(words, word.String())
			word.Reset()
			inWord = false
		}
	}
	endCommand := func() {
		endWord()
		if len(words) > 0 {
			cmds = append(cmds, words)
			words = nil
		}
	}
	for _, r := range line {
		switch {
		case r == '"':
			quoted, inWord = !quoted, true
		case quoted:
			word.WriteRune(r)
		case r == ';' || r == '\n':
			endCommand()
		case r == ' ' || r == '\t' || r == '\r':
			endWord()
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quoted {
		return nil, errors.New("a quote is not closed")
	}
	endCommand()
	return cmds, nil
}
