package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// workSteady is a process to attach to: some threads that sleep in a call, and
// one that, for each line on standard input, makes that many pairs of a read and
// a write of one byte and prints how long they took, in ns.
func workSteady(threads int) error {
	// Yama allows only ancestors to attach, unless the tracee permits it
	// (Documentation/admin-guide/LSM/Yama.rst). Kernels without it say EINVAL.
	_ = unix.Prctl(unix.PR_SET_PTRACER, ^uintptr(0), 0, 0, 0)
	if err := sleepers(threads); err != nil {
		return err
	}
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if err := counted(lines.Text(), pairs); err != nil {
			return err
		}
	}
	return lines.Err()
}

// opens is how many calls of the default set pairs makes.
const opens = 4

// pairs makes n pairs of calls and prints how long they took. It opens and closes
// the files each time, so that a tracer of the default set has something to
// report; once it has printed, all that must be in a trace has happened.
func pairs(n int) error {
	zero, err := unix.Open("/dev/zero", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open /dev/zero: %w", err)
	}
	null, err := unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open /dev/null: %w", err)
	}
	began := time.Now()
	err = readWrite(zero, null, n)
	took := time.Since(began)
	if err := errors.Join(err, unix.Close(zero), unix.Close(null)); err != nil {
		return err
	}
	_, err = fmt.Println(took.Nanoseconds())
	return err
}

// readWrite makes n pairs of a read and a write of one byte.
func readWrite(from, to, n int) error {
	var b [1]byte
	for range n {
		if _, err := unix.Read(from, b[:]); err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if _, err := unix.Write(to, b[:]); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

// sleepers starts threads that wait in a read that never returns.
func sleepers(n int) error {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("pipe: %w", err)
	}
	var started sync.WaitGroup
	started.Add(n)
	for range n {
		go func() {
			runtime.LockOSThread()
			started.Done()
			var b [1]byte
			for {
				unix.Read(ends[0], b[:]) // EINTR after a stop: wait again
			}
		}()
	}
	started.Wait()
	return nil
}
