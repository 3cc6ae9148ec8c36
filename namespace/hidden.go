package namespace

import (
	"crypto/sha256"
	"encoding/hex"
)

// lockFile is the name of the file that guards base. An encoded name has
// neither a dot first nor a tilde anywhere, so that the files of two names, or a
// file and a name, are never the same.
func lockFile(base string) string {
	if name := "." + base + ".lock"; len(name) <= MaxComponent {
		return name
	}
	sum := sha256.Sum256([]byte(base))
	return ".~" + hex.EncodeToString(sum[:]) + ".lock"
}

// newFile is where a socket stands before it has its name. It is short for the
// sake of sun_path (unix(7): 108 bytes), and always the same for a name: what a
// killed process left there is swept away by the next that holds the lock.
func newFile(base string) string {
	sum := sha256.Sum256([]byte(base))
	return ".~" + hex.EncodeToString(sum[:16]) + ".new"
}
