package leak

import (
	"context"
	"errors"
	"fmt"
)

// wantsPlaces says whether a tag's bytes in a module mean anything: the kernel itself
// gives None and MmCm, so they stand in no driver.
func wantsPlaces(tag [4]byte) bool {
	_, shared := Nameless(tag)
	return !shared || string(tag[:]) == "Ddk "
}

// Look looks at everything. An error is about the directory of images, or the end of
// ctx.
func Look(ctx context.Context, in Input) (*Result, error) {
	r := &Result{}
	r.Names, r.Nameless = Nameless(in.Tag)
	var err error
	if r.Blocks, err = count(ctx, &in); err != nil {
		return nil, err
	}
	all := byAddress(in.Modules)
	r.Content = content(&in, all, r.Blocks.sample)
	if wantsPlaces(in.Tag) {
		if err := places(ctx, &in, r); err != nil {
			return nil, err
		}
	}
	if len(r.Names) > 0 {
		if err := importers(ctx, &in, r); err != nil {
			return nil, err
		}
	}
	if in.Images != "" {
		if err := files(ctx, &in, r); err != nil {
			return nil, fmt.Errorf("searching the images: %w", err)
		}
	}
	sortPlaces(r.Places)
	sortImporters(r.Import)
	r.judge()
	return r, nil
}

// Importers looks for the modules that import the allocators of a nameless tag, and
// nothing else.
func Importers(ctx context.Context, in Input) (*Result, error) {
	r := &Result{}
	if r.Names, r.Nameless = Nameless(in.Tag); !r.Nameless {
		return nil, errors.New("the tag names who allocated: no allocator stands for it")
	}
	if err := importers(ctx, &in, r); err != nil {
		return nil, err
	}
	sortImporters(r.Import)
	return r, nil
}
