package namespace

import (
	"fmt"
	"strings"
)

const hexDigits = "0123456789ABCDEF"

// encodePath turns a name's full form into its path below a root.
func encodePath(given string) (string, error) {
	parts := strings.Split(given[1:], `\`) // the full form begins with a backslash
	for i, part := range parts {
		encoded, err := encodeComponent(part)
		if err != nil {
			return "", fmt.Errorf("component %d: %w", i+1, err)
		}
		parts[i] = encoded
	}
	path := strings.Join(parts, "/")
	if len(path) > MaxPath {
		return "", fmt.Errorf("it takes %d bytes on disk, at most %d are allowed", len(path), MaxPath)
	}
	return path, nil
}

// encodeComponent refuses what a file system gives a meaning of its own, and
// writes a leading dot as %2E: a port .spool.lock would else stand where the
// lock of spool stands.
func encodeComponent(part string) (string, error) {
	switch {
	case part == "":
		return "", fmt.Errorf("it is empty")
	case part == "." || part == "..":
		return "", fmt.Errorf("it is %q", part)
	case strings.IndexByte(part, 0) >= 0:
		return "", fmt.Errorf("it has a NUL byte at %d", strings.IndexByte(part, 0))
	}
	var b strings.Builder
	for i, c := range []byte(fold(part)) {
		if plain(c) && (c != '.' || i > 0) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	if b.Len() > MaxComponent {
		return "", fmt.Errorf("it takes %d bytes on disk, at most %d are allowed", b.Len(), MaxComponent)
	}
	return b.String(), nil
}

// decodePath undoes encodePath, up to the case of letters. It accepts more than
// encodePath gives; FromPath compares.
func decodePath(rel string) (string, error) {
	var b strings.Builder
	for _, part := range strings.Split(rel, "/") {
		b.WriteByte('\\')
		for i := 0; i < len(part); i++ {
			switch c := part[i]; {
			case plain(c):
				b.WriteByte(c)
			case c == '%' && i+2 < len(part) && unhex(part[i+1]) >= 0 && unhex(part[i+2]) >= 0:
				b.WriteByte(byte(unhex(part[i+1])<<4 | unhex(part[i+2])))
				i += 2
			default:
				return "", fmt.Errorf("byte %#02x of component %q, expected one of a-z 0-9 . _ - or %%XX", c, part)
			}
		}
	}
	return b.String(), nil
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}

func unhex(c byte) int { return strings.IndexByte(hexDigits, c) }
