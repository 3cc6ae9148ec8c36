package escape

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestJSON(t *testing.T) {
	text := "Käse <日本> \x1b[31m \u009b31m \x7f \u202e \U000e0001 \n \\ \""
	var b strings.Builder
	if err := JSON(&b, map[string]any{"text": text, "n": 7}); err != nil {
		t.Fatal(err)
	}
	line, ok := strings.CutSuffix(b.String(), "\n")
	if !ok || Text(line) != line {
		t.Errorf("%q steers a terminal, or has no end", b.String())
	}
	if want := `{"n":7,"text":"Käse <日本> \u001b[31m \u009b31m \u007f \u202e \udb40\udc01 \n \\ \""}`; line != want {
		t.Errorf("%s, want %s", line, want)
	}
	var back map[string]any
	if err := json.Unmarshal([]byte(line), &back); err != nil || back["text"] != text {
		t.Errorf("reads back as %q, %v", back["text"], err)
	}
	if err := JSON(&b, func() {}); err == nil {
		t.Error("a function was written")
	}
}
