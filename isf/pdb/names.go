package pdb

import "strings"

// machineI386 is IMAGE_FILE_MACHINE_I386, whose compilers decorate C names.
const machineI386 = 0x14c

// undecorate turns a linker's name into the source's: _name, _name@12 and
// @name@8 of x86 (cdecl, stdcall, fastcall), and ?name@scope@@... of C++ where
// name and scopes are plain words. Any other name is returned as it is.
func undecorate(name string, machine uint16) string {
	if strings.HasPrefix(name, "?") {
		return undecorateCpp(name)
	}
	if machine != machineI386 || len(name) < 2 {
		return name
	}
	switch name[0] {
	case '_':
		bare, args, call := strings.Cut(name[1:], "@")
		if call && bare != "" && digits(args) {
			return bare
		}
		return name[1:]
	case '@':
		if bare, args, call := strings.Cut(name[1:], "@"); call && bare != "" && digits(args) {
			return bare
		}
	}
	return name
}

// undecorateCpp reads "?name@inner@outer@@". Templates, operators and back
// references begin with ? or a digit and are left alone.
func undecorateCpp(name string) string {
	qualified, _, ok := strings.Cut(name[1:], "@@")
	if !ok || qualified == "" {
		return name
	}
	parts := strings.Split(qualified, "@")
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	for _, p := range parts {
		if p == "" || p[0] == '?' || p[0] >= '0' && p[0] <= '9' {
			return name
		}
	}
	return strings.Join(parts, "::")
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
