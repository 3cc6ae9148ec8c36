package bench

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// allowedCPUs lists the CPUs of the calling thread.
func allowedCPUs() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("reading the CPU affinity: %w", err)
	}
	var cpus []int
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			cpus = append(cpus, i)
		}
	}
	return cpus, nil
}

// startOn starts cmd with its affinity narrowed to cpu unless that is
// anywhere. It must run on a locked thread, whose affinity is all afterwards.
func startOn(cmd *exec.Cmd, cpu int, all []int) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL,
		Setpgid:   true, // an interrupt of the terminal is the parent's to handle
	}
	if cpu == anywhere {
		return cmd.Start()
	}
	if err := setAffinity(cpu); err != nil {
		return err
	}
	return errors.Join(cmd.Start(), setAffinity(all...))
}

// setAffinity narrows the calling thread to some CPUs.
func setAffinity(cpus ...int) error {
	var set unix.CPUSet
	for _, c := range cpus {
		set.Set(c)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("setting the CPU affinity to %v: %w", cpus, err)
	}
	return nil
}
