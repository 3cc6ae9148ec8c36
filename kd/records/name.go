package records

import "strings"

// ShortName is a port's name without the directory in which ports stand that are
// named alone: `\RPC Control\spool` is spool.
func ShortName(name string) string {
	const dir = `\RPC Control\`
	if len(name) > len(dir) && strings.EqualFold(name[:len(dir)], dir) {
		return name[len(dir):]
	}
	return name
}
