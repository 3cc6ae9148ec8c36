package escape

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON writes v to w as encoding/json does, on one line, but for runes that could steer a
// terminal: encoding/json leaves some of these as they are, and here all are \uXXXX, which
// reads back as the same text. < > and & are themselves. The error is of v or w.
func JSON(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	line := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	out := make([]byte, 0, len(line)+1)
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		if steers(r) { // such a one stands inside a string: JSON's own are ASCII and print
			for _, u := range utf16.AppendRune(nil, r) {
				out = fmt.Appendf(out, `\u%04x`, u)
			}
		} else {
			out = append(out, line[:n]...)
		}
		line = line[n:]
	}
	_, err := w.Write(append(out, '\n'))
	return err
}
