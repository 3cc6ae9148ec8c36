package object

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// Bounds of the namespace: entries of one directory, and directories on a path.
const (
	maxEntries = 1 << 16
	maxDepth   = 64
)

// Root is the directory object of \.
func (r *Reader) Root() (uint64, error) {
	return r.variable(ntdump.ObpRootDirectoryObject, "ObpRootDirectoryObject")
}

// Entries are the bodies of the objects in the directory at an address, bucket by
// bucket: names are never hashed. What cannot be followed comes as an error, behind
// which the next bucket goes on.
func (r *Reader) Entries(directory uint64) iter.Seq2[uint64, error] {
	return func(yield func(uint64, error) bool) {
		seen := map[uint64]bool{}
		b := make([]byte, r.at.bucketCount*r.ptr)
		n, err := r.d.ReadMemory(directory+uint64(r.at.buckets), b)
		if err != nil && !yield(0, fmt.Errorf("the directory at %#x is readable up to bucket %d of %d: %w", directory, n/r.ptr, r.at.bucketCount, err)) {
			return
		}
		for i := range n / r.ptr {
			entry, err := r.word(b, i*r.ptr), error(nil)
			for err == nil && entry != 0 {
				if seen[entry] || len(seen) == maxEntries {
					err = fmt.Errorf("the entry at %#x comes again, or there are more than %d", entry, maxEntries)
					break
				}
				seen[entry] = true
				var object uint64
				if object, err = r.pointer(entry + uint64(r.at.object)); err != nil {
					break
				}
				if !yield(object, nil) {
					return
				}
				entry, err = r.pointer(entry + uint64(r.at.link))
			}
			if err != nil && !yield(0, fmt.Errorf("bucket %d of the directory at %#x: %w", i, directory, err)) {
				return
			}
		}
	}
}

// Lookup is the object that a path names, compared without case. An error says which
// part of the path is not there, or what could not be read.
func (r *Reader) Lookup(path string) (Object, error) {
	at, err := r.Root()
	if err != nil {
		return Object{}, err
	}
	parts := strings.FieldsFunc(path, func(c rune) bool { return c == '\\' })
	if len(parts) == 0 {
		return r.At(at)
	}
	var o Object
	for i, part := range parts {
		if i > 0 && o.TypeName != "Directory" {
			return o, fmt.Errorf("%s is no directory but an object of type %s", o.Name, o.TypeName)
		}
		if o, err = r.child(at, part); err != nil {
			return o, err
		}
		at = o.Body
	}
	return o, nil
}

// ErrNone says that a directory was read whole and holds no such name.
var ErrNone = errors.New("there is no such object")

// child is the object of that name in a directory.
func (r *Reader) child(directory uint64, name string) (Object, error) {
	var trouble error
	for at, err := range r.Entries(directory) {
		var o Object
		if err == nil {
			o, err = r.At(at)
		}
		if o.NameErr != nil {
			err = o.NameErr
		}
		if err != nil {
			trouble = err
			continue
		}
		if strings.EqualFold(o.Name, name) {
			return o, nil
		}
	}
	if trouble != nil {
		return Object{}, fmt.Errorf("%s is not found, but not all of its directory can be read: %w", name, trouble)
	}
	return Object{}, fmt.Errorf("%w: %s", ErrNone, name)
}

// Path is an object's name with its directories, "" where it has none or where one of
// them cannot be read.
func (r *Reader) Path(o *Object) string {
	root, err := r.Root()
	switch {
	case err != nil:
		return ""
	case o.Body == root:
		return `\`
	case o.Name == "" || o.Directory == 0:
		return ""
	}
	dir, ok := r.directoryPath(o.Directory, root, 0)
	if !ok {
		return ""
	}
	return dir + `\` + o.Name
}

// directoryPath is the path of a directory, "" for the root.
func (r *Reader) directoryPath(at, root uint64, depth int) (string, bool) {
	if at == root {
		return "", true
	}
	if path, ok := r.paths[at]; ok {
		return path, path != ""
	}
	if depth == maxDepth {
		return "", false
	}
	path := ""
	if o, err := r.At(at); err == nil && o.TypeName == "Directory" && o.Name != "" {
		if parent, ok := r.directoryPath(o.Directory, root, depth+1); ok {
			path = parent + `\` + o.Name
		}
	}
	r.paths[at] = path
	return path, path != ""
}
