package leak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/ntdump/pe"
)

// Bounds of a directory of images.
const (
	maxFiles    = 1 << 14
	maxFileSize = 256 << 20
)

// extensions are those of images that run in the kernel.
var extensions = []string{".sys", ".dll", ".exe"}

// files looks through the images of a directory and those below it. Links are not
// followed.
func files(ctx context.Context, in *Input, r *Result) error {
	n := 0
	err := filepath.WalkDir(in.Images, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && path == in.Images:
			return err
		case err != nil:
			r.Unread = append(r.Unread, Unread{path, err.Error()})
			return nil
		case !d.Type().IsRegular() || !slices.Contains(extensions, strings.ToLower(filepath.Ext(path))):
			return nil
		}
		if n++; n > maxFiles {
			return fmt.Errorf("%s holds more than %d images", in.Images, maxFiles)
		}
		if err := file(in, r, path); err != nil {
			r.Unread = append(r.Unread, Unread{path, err.Error()})
		}
		return nil
	})
	if err == nil && n == 0 {
		return fmt.Errorf("%s holds no image (%s)", in.Images, strings.Join(extensions, ", "))
	}
	return err
}

// file searches one image.
func file(in *Input, r *Result, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // read only
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return err
	}
	if len(data) > maxFileSize {
		return fmt.Errorf("it has more than %d MB", maxFileSize>>20)
	}
	img, err := pe.File(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	name := filepath.Base(path)
	p := Place{Module: name, File: path, Kernel: IsKernel(name), Loaded: in.loaded(name)}
	if wantsPlaces(in.Tag) {
		each(data, in.Tag, func(at int) {
			rva, ok := img.RVA(int64(at))
			section, code := "", ""
			if ok {
				section, code = where(img, uint64(rva), data[max(0, at-before):at])
			}
			p.add(uint64(rva), int64(at), section, code)
		})
		if p.Count > 0 {
			r.Places = append(r.Places, p)
		}
	}
	if len(r.Names) == 0 || p.Kernel {
		return nil
	}
	list, err := img.Imports()
	if err != nil && !errors.Is(err, pe.ErrNoImports) {
		return err
	}
	if names := named(list, r.Names); len(names) > 0 {
		r.Import = append(r.Import, Importer{Module: name, File: path, Names: names, Loaded: p.Loaded, How: byNames})
	}
	return nil
}

// IsKernel says whether a module is the kernel or the HAL by its file's name.
func IsKernel(name string) bool {
	switch strings.ToLower(name) {
	case "ntoskrnl.exe", "ntkrnlpa.exe", "ntkrnlmp.exe", "ntkrpamp.exe", "hal.dll", "halacpi.dll", "halmacpi.dll", "halaacpi.dll":
		return true
	}
	return false
}
