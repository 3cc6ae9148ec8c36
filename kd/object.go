package kd

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdObject = Command{
	Name:  "!object",
	Args:  `Address | \Path`,
	Short: "Show an object, or what stands in a directory of the namespace.",
	Long:  `A path names an object, or a directory whose objects are listed: \ is the root.`,
	Needs: target.Objects,
}

func init() { cmdObject.Run = runObject }

func runObject(ctx context.Context, s *Session, o *Out, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf(`!object needs an address or a path; !object \ lists the namespace`)
	}
	path := strings.Join(args, " ") // `\RPC Control` needs no quotes
	if !strings.HasPrefix(path, `\`) {
		if err := atMost(args, 1, `!object Address | \Path`); err != nil {
			return err
		}
		addr, err := s.address(args[0])
		if err != nil {
			return err
		}
		obj, err := s.Target.System().Object(addr)
		if err != nil {
			return err
		}
		s.objectLines(o, obj)
		return obj.Err
	}
	return s.namespace(ctx, o, path)
}

// objectLines prints an object.
func (s *Session) objectLines(o *Out, obj target.Object) {
	o.Printf("Object: %s  Type: (%s) %s\n", s.ptr(obj.Addr), s.ptr(obj.TypeAddr), escape.Text(obj.Type))
	version := "old version"
	switch {
	case s.reader.Ours(obj.Addr):
		version = "pool block"
	case obj.NewHeader:
		version = "new version"
	}
	o.Printf("    ObjectHeader: %s (%s)\n", s.ptr(obj.Header), version)
	o.Printf("        HandleCount: %d  PointerCount: %d\n", obj.Handles, obj.Pointers)
	if obj.Name != "" {
		o.Printf("        Directory Object: %s  Name: %s\n", s.ptr(obj.Directory), escape.Text(obj.Name))
	}
}

// namespace prints the objects of a directory, or the object that a path names.
func (s *Session) namespace(ctx context.Context, o *Out, path string) error {
	path = strings.TrimRight(path, `\`)
	var list []target.Object
	for obj := range s.Target.System().Names(path) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		list = append(list, obj)
	}
	if len(list) == 0 && path != "" {
		dir := path[:strings.LastIndexByte(path, '\\')]
		for obj := range s.Target.System().Names(dir) {
			if strings.EqualFold(obj.Path, path) {
				s.objectLines(o, obj)
				return obj.Err
			}
		}
		return fmt.Errorf(`there is no object %s; !object \ lists the namespace`, escape.Text(path))
	}
	o.Printf("    %-*s  Type          Name\n", len(s.ptr(0)), "Address")
	for _, obj := range list {
		if obj.Err != nil {
			o.Printf("    %s  not readable: %s\n", s.ptr(obj.Addr), escape.Text(obj.Err.Error()))
			continue
		}
		o.Printf("    %s  %-12s  %s\n", s.ptr(obj.Addr), escape.Text(obj.Type), escape.Text(obj.Name))
	}
	return nil
}
