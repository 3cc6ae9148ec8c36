package namespace

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

const (
	// MaxComponent is how many bytes one component of a name may have on disk,
	// NAME_MAX. A letter outside ASCII counts six or more, a space three.
	MaxComponent = 255
	// MaxPath is how many bytes a whole name may have on disk. It leaves half
	// of PATH_MAX to the root.
	MaxPath = 2048

	rpcControl = `\RPC Control\`
	bindingFor = "ncalrpc:"
)

// Name is the name of a port. It is made by [Parse] or [FromPath] and never
// changes; the zero value is no name. Two spellings of one name are Equal but
// not ==: for a map key use Path.
type Name struct {
	given string // full NT form in the spelling that was given
	path  string // folded and encoded, components divided by /
}

// Parse reads a name in any of its forms:
//
//	\MyPort \RPC Control\spool  the full form: components, each after a backslash
//	spool                       \RPC Control\spool; must not have a backslash
//	ncalrpc:[spool]             the same, as an RPC string binding
//
// Letters compare without case. All bytes but NUL and, inside a component, the
// backslash are allowed, also those that are not UTF-8: such a byte stands for
// itself. A forward slash is a letter like others. Components must not be empty,
// "." or "..", and have at most [MaxComponent] bytes on disk.
func Parse(s string) (Name, error) {
	given, err := fullForm(s)
	if err == nil {
		var path string
		if path, err = encodePath(given); err == nil {
			return Name{given, path}, nil
		}
	}
	return Name{}, fmt.Errorf("%w %s: %w", ErrInvalidName, strconv.Quote(abbreviate(s)), err)
}

func fullForm(s string) (string, error) {
	if len(s) >= len(bindingFor) && strings.EqualFold(s[:len(bindingFor)], bindingFor) {
		endpoint := s[len(bindingFor):]
		if len(endpoint) < 3 || endpoint[0] != '[' || endpoint[len(endpoint)-1] != ']' {
			return "", fmt.Errorf("a binding has the form ncalrpc:[name]")
		}
		endpoint = endpoint[1 : len(endpoint)-1]
		// A comma begins the options of a string binding, of which none is known.
		if i := strings.IndexAny(endpoint, `[],\`); i >= 0 {
			return "", fmt.Errorf("a binding's endpoint must not have a %q", endpoint[i])
		}
		return rpcControl + endpoint, nil
	}
	switch {
	case s == "":
		return "", fmt.Errorf("it is empty")
	case s[0] == '\\':
		return s, nil
	case strings.Contains(s, `\`):
		return "", fmt.Errorf(`a name with a backslash in it must begin with one, as \RPC Control\spool does`)
	}
	return rpcControl + s, nil
}

// FromPath returns the name that has the path rel below a root, as Path would
// give it. The spelling is lost on disk: String is the folded form. A path that
// Path never gives (a capital letter, a %61, a file that begins with a dot) is an
// ErrInvalidName.
func FromPath(rel string) (Name, error) {
	given, err := decodePath(rel)
	if err != nil {
		return Name{}, fmt.Errorf("%w: path %q: %w", ErrInvalidName, abbreviate(rel), err)
	}
	n, err := Parse(given)
	if err != nil {
		return Name{}, fmt.Errorf("reading path %q: %w", abbreviate(rel), err)
	}
	if n.path != rel {
		return Name{}, fmt.Errorf("%w: path %q: the path of this name is %q", ErrInvalidName, abbreviate(rel), abbreviate(n.path))
	}
	return n, nil
}

// String returns the full form in the spelling that was given. It may hold
// control characters: who prints to a terminal escapes them.
func (n Name) String() string { return n.given }

// Short returns what people call the port: spool for \RPC Control\spool, the full
// form for all that has no such short form. [Parse] reads it back. As with
// String, control characters are the printer's business.
func (n Name) Short() string {
	if len(n.given) <= len(rpcControl) || !strings.EqualFold(n.given[:len(rpcControl)], rpcControl) {
		return n.given
	}
	short := n.given[len(rpcControl):]
	if again, err := Parse(short); err != nil || !n.Equal(again) {
		return n.given // \RPC Control\a\b, \RPC Control\ncalrpc:x
	}
	return short
}

// Path returns where the name stands below a root: rpc%20control/spool. Names
// that are Equal have one path, and others have other paths.
func (n Name) Path() string { return n.path }

// Equal reports whether both are the same name, in whatever spelling.
func (n Name) Equal(m Name) bool { return n.path == m.path }

// components returns the parts of the path: directories, then the name proper.
func (n Name) components() (dirs []string, base string) {
	parts := strings.Split(n.path, "/")
	return parts[:len(parts)-1], parts[len(parts)-1]
}

// label is how the package's own errors call the port: safe to print.
func (n Name) label() string {
	short := n.Short()
	if strings.IndexFunc(short, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) >= 0 {
		return strconv.Quote(short)
	}
	return short
}

// abbreviate keeps a hostile name from filling a log.
func abbreviate(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
