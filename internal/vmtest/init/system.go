package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// fileSystems are mounted in this order.
var fileSystems = []struct {
	kind, at, options string
	optional          bool // there are kernels without
}{
	{kind: "proc", at: "/proc"},
	{kind: "sysfs", at: "/sys"},
	{kind: "devtmpfs", at: "/dev"},
	{kind: "devpts", at: "/dev/pts", options: "ptmxmode=0666"},
	{kind: "tmpfs", at: "/dev/shm", options: "mode=1777"},
	{kind: "mqueue", at: "/dev/mqueue", optional: true},
	{kind: "tmpfs", at: "/tmp", options: "mode=1777"},
	{kind: "tmpfs", at: "/run", options: "mode=755"},
	{kind: "securityfs", at: "/sys/kernel/security", optional: true},
	{kind: "cgroup2", at: "/sys/fs/cgroup", optional: true},
	{kind: "bpf", at: "/sys/fs/bpf", optional: true},
	{kind: "debugfs", at: "/sys/kernel/debug", optional: true},
	{kind: "tracefs", at: "/sys/kernel/tracing", optional: true},
}

func mounts() error {
	for _, fs := range fileSystems {
		err := os.MkdirAll(fs.at, 0o755)
		if err == nil {
			err = unix.Mount(fs.kind, fs.at, fs.kind, 0, fs.options)
		}
		if err != nil && !fs.optional {
			return fmt.Errorf("mount %s: %w", fs.at, err)
		}
	}
	for name, to := range map[string]string{"fd": "fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"} {
		if err := os.Symlink("/proc/self/"+to, "/dev/"+name); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// loopback turns the loopback interface on.
func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	return nil
}
