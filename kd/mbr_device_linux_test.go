package kd_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/bootsec/boottest"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/kd"
)

// loopDevice makes a read-only block device of a file's bytes from offset on, and gives its
// path. The kernel takes it down when its last descriptor is closed, however the test ends
// (loop(4), LO_FLAGS_AUTOCLEAR).
func loopDevice(t *testing.T, image string, offset uint64) (path string) {
	t.Helper()
	needs.Root(t, "to make a loop device")
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		needs.Missing(t, "needs loop devices (loop(4); CONFIG_BLK_DEV_LOOP): %v", err)
	}
	defer control.Close()
	file, err := os.Open(image)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() // the device has it
	for {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			needs.Missing(t, "needs a free loop device: LOOP_CTL_GET_FREE of /dev/loop-control gives %v", err)
		}
		path = fmt.Sprintf("/dev/loop%d", n)
		device, err := os.Open(path)
		if err != nil {
			needs.Missing(t, "needs a loop device that may be opened: %v", err)
		}
		err = unix.IoctlLoopConfigure(int(device.Fd()), &unix.LoopConfig{
			Fd:   uint32(file.Fd()),
			Info: unix.LoopInfo64{Offset: offset, Flags: unix.LO_FLAGS_READ_ONLY | unix.LO_FLAGS_AUTOCLEAR},
		})
		if err == nil {
			t.Cleanup(func() { _ = device.Close() })
			return path
		}
		_ = device.Close()
		if !errors.Is(err, unix.EBUSY) { // else another has taken it meanwhile
			needs.Missing(t, "needs LOOP_CONFIGURE (Linux 5.8): of %s it gives %v", path, err)
		}
	}
}

// TestMbrDevice: a block device says what an image of it says. The device begins in the
// middle of its file, so that what is read cannot be the file.
func TestMbrDevice(t *testing.T) {
	const before = 3 * 4096
	disk := boottest.Disk()
	device := loopDevice(t, file(t, "backing", append(bytes.Repeat([]byte{0xcc}, before), disk...)), before)
	image := file(t, "disk.img", disk)
	overDevice, overImage := kd.NewSession(openDisk(t, device)), kd.NewSession(openDisk(t, image))

	if got, want := overDevice.Target.Describe(), fmt.Sprintf("block device %s: %d bytes; ", device, len(disk)); !strings.HasPrefix(got, want) {
		t.Errorf("it is described as %q, want %q", got, want)
	}
	last := fmt.Sprintf("!sector %x L1", len(disk)/512-1)
	for _, json := range []bool{false, true} {
		overDevice.JSON, overImage.JSON = json, json
		for _, line := range []string{"vertarget", "!mbr", "ur 0:7c00 L10", "!sector 0n63 L1", last} {
			got := strings.ReplaceAll(try(t, overDevice, line), "block device "+device, "disk image "+image)
			if want := try(t, overImage, line); strings.ReplaceAll(got, device, image) != want {
				t.Errorf("%s, JSON %v: of the device\n%s\nof the image\n%s", line, json, got, want)
			}
		}
	}
	overDevice.JSON, overImage.JSON = false, false
	if got := try(t, overImage, "!mbr --against "+device); !strings.HasPrefix(got, "No byte differs from "+device) {
		t.Errorf("--against: %q", got)
	}
	if got := try(t, overImage, ".readmem "+device+" 0:9000 L200; db 0:91f0 L10"); !strings.Contains(got, "55 aa") {
		t.Errorf(".readmem of the device: %q", got)
	}
	refuse(t, overDevice, fmt.Sprintf("!sector %x", len(disk)/512), " are not there")
}
