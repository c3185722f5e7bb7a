// Command init is process 1 of a virtual machine for tests.
//
// In a nutshell: it mounts what a Linux system has mounted, loads modules, runs
// the command of the plan with the results' serial port as its output, waits
// until the port has sent everything, and turns the machine off.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/vmtest/plan"
)

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "init: this is process 1 of a virtual machine, and not for others")
		os.Exit(2)
	}
	if err := machine(); err != nil {
		// There may be no port; the console has been open from the start.
		fmt.Fprintf(os.Stderr, "init: %v\n", err)
	}
	err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	fmt.Fprintf(os.Stderr, "init: turn off: %v\n", err)
	time.Sleep(time.Hour) // the kernel panics if we end; the test's time limit will
}

func machine() error {
	if err := mounts(); err != nil {
		return err
	}
	text, err := os.ReadFile(plan.File)
	if err != nil {
		return err
	}
	var p plan.Plan
	if err := json.Unmarshal(text, &p); err != nil {
		return fmt.Errorf("%s: %w", plan.File, err)
	}
	port, err := open(p.Port)
	if err != nil {
		return err
	}
	var e plan.End
	if e.Status, err = carryOut(&p, port); err != nil {
		e.Error = err.Error()
	}
	if _, err := port.WriteString(e.Line()); err != nil {
		return err
	}
	// What the port has not sent is lost when the machine goes off.
	if err := unix.IoctlSetInt(int(port.Fd()), unix.TCSBRK, 1); err != nil {
		return fmt.Errorf("drain %s: %w", p.Port, err)
	}
	return nil
}

// open opens a serial port, as a pipe to the test: bytes go out as they are.
func open(name string) (*os.File, error) {
	port, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	termios, err := unix.IoctlGetTermios(int(port.Fd()), unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	termios.Oflag &^= unix.OPOST
	termios.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	if err := unix.IoctlSetTermios(int(port.Fd()), unix.TCSETS, termios); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return port, nil
}

func carryOut(p *plan.Plan, port *os.File) (int, error) {
	if err := loopback(); err != nil {
		return 0, err
	}
	for _, path := range p.Modules {
		if err := load(path); err != nil {
			return 0, err
		}
	}
	// From here on the console shows the kernel's warnings: the command made them.
	if err := os.WriteFile("/proc/sys/kernel/printk", []byte("5"), 0); err != nil {
		return 0, err
	}
	return run(p, port)
}

// run runs the command and takes in what it leaves behind, as process 1 does.
func run(p *plan.Plan, port *os.File) (int, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	process, err := os.StartProcess(p.Argv[0], p.Argv, &os.ProcAttr{
		Dir: p.Dir, Env: p.Env, Files: []*os.File{null, port, port}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, err
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, fmt.Errorf("wait for %s: %w", strings.Join(p.Argv, " "), err)
		case pid != process.Pid:
		case status.Signaled():
			return 128 + int(status.Signal()), nil
		default:
			return status.ExitStatus(), nil
		}
	}
}

// load loads a module, which the kernel unpacks if it has to.
func load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	flags := 0
	if filepath.Ext(path) != ".ko" {
		flags = unix.MODULE_INIT_COMPRESSED_FILE // Linux 5.17; Debian compresses since 6.12
	}
	if err := unix.FinitModule(int(f.Fd()), "", flags); err != nil {
		return fmt.Errorf("load %s: %w", path, err)
	}
	return nil
}
