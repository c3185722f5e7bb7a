package kmod

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
)

// Name is the name of the module, and of its devices.
const Name = "scap"

// legacyBuffer is the size of the buffers of modules of March 2022.
const legacyBuffer = 8 << 20

// Loaded reports whether the module is in the kernel.
func Loaded() bool {
	_, err := os.Stat("/sys/module/" + Name)
	return err == nil
}

// Open opens the devices of the module, which has to be loaded, and starts tracing.
func Open(cfg Config) (*Driver, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("kmod: %w", err)
	}
	d := &Driver{cfg: cfg, choice: newChoice(cfg.Profile, cfg.Events), control: newControl(), idle: minIdle, size: cfg.BufferBytes}
	if err := d.control.do(d.open); err != nil {
		d.release()
		return nil, fmt.Errorf("kmod: %w", err)
	}
	return d, nil
}

// open is Open on the control's thread.
func (d *Driver) open() error {
	cpus, err := driver.OnlineCPUs()
	if err != nil {
		return err
	}
	undo, err := d.setBufferSize()
	if err != nil {
		return err
	}
	defer undo()
	for i, cpu := range cpus {
		r, err := newRing(Name, cpu, d.size)
		if err != nil {
			return explain(err)
		}
		d.rings = append(d.rings, r)
		if i == 0 {
			if err := d.checkVersion(); err != nil {
				return err
			}
		}
		r.Mask = uint64(d.size) - 1
		if err := r.mmap(); err != nil {
			return err
		}
		d.merger.Buffers = append(d.merger.Buffers, r)
	}
	if err := d.setScope(); err != nil {
		return err
	}
	return d.enable()
}

// explain words an error of opening a device.
func explain(err error) error {
	switch {
	case errors.Is(err, unix.ENOENT) && !Loaded():
		return fmt.Errorf("the module %s is not loaded: %w", Name, err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("as many readers as /sys/module/%s/parameters/max_consumers allows have its devices open: %w", Name, err)
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("the module takes no buffer of the size in /sys/module/%s/parameters/g_buffer_bytes_dim: %w", Name, err)
	}
	return err
}

// setBufferSize asks for buffers of our size for readers that come now, and returns
// what puts back what was there. Old modules have no choice.
func (d *Driver) setBufferSize() (undo func(), err error) {
	const param = "/sys/module/" + Name + "/parameters/g_buffer_bytes_dim"
	old, err := os.ReadFile(param)
	if err != nil {
		d.size = legacyBuffer
		return func() {}, nil
	}
	was := strings.TrimSpace(string(old))
	if was == strconv.Itoa(d.size) {
		return func() {}, nil
	}
	if err := os.WriteFile(param, []byte(strconv.Itoa(d.size)), 0o644); err != nil {
		return nil, err
	}
	return func() { _ = os.WriteFile(param, []byte(was), 0o644) }, nil
}

// checkVersion finds out which module it is.
func (d *Driver) checkVersion() error {
	var api, schema version
	if err := errors.Join(d.askInto(getAPIVersion, unsafe.Pointer(&api)), d.askInto(getSchemaVersion, unsafe.Pointer(&schema))); err != nil {
		return fmt.Errorf("ask the module %s for its version: %w", Name, err)
	}
	var err error
	if d.layout, err = findLayout(api, schema); err != nil {
		return err
	}
	if d.layout.in != d.cfg.Profile {
		return fmt.Errorf("the module %s that is loaded emits %w, schema %v: use --profile %s, or load one that is built for %s",
			Name, ErrEdition, schema, d.layout.in, d.cfg.Profile)
	}
	return nil
}

// setScope tells the module whom to watch.
func (d *Driver) setScope() error {
	s := &d.cfg.Scope
	switch {
	case s.Host:
		err := d.ask(scopeHost, 0)
		if isForeign(err) {
			d.cfg.Notice("the module " + Name + " is not Lanner's: events of trace itself are told as well")
			return nil
		}
		return err
	case s.Cgroup != "":
		return d.setCgroup(s.Cgroup)
	}
	if err := d.ask(scopeTree, 0); err != nil {
		if isForeign(err) {
			return errForeign
		}
		return err
	}
	return s.Each(d.add)
}

// isForeign reports whether a module does not know a request.
func isForeign(err error) bool { return errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) }

func (d *Driver) setCgroup(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("watch a cgroup: %w", err)
	}
	defer f.Close()
	switch err := d.ask(scopeCgroup, f.Fd()); {
	case errors.Is(err, unix.ENOTTY):
		return errForeign
	case err != nil:
		return fmt.Errorf("watch the cgroup %s: is it one of version 2? %w", dir, err)
	}
	return nil
}

// enable says what is wanted. Tracepoints come last: with them it begins.
func (d *Driver) enable() error {
	type request struct{ nr, arg uintptr }
	list := []request{{setSnaplen, uintptr(d.cfg.Snaplen)}, {setStatsdPort, uintptr(d.cfg.StatsdPort)}}
	if d.cfg.DynamicSnaplen {
		list = append(list, request{enableDynamicSnaplen, 0})
		if fc := d.cfg.FullCapture; fc[1] != 0 {
			list = append(list, request{setFullCapture, uintptr(fc[1])<<16 | uintptr(fc[0])})
		}
	}
	if d.cfg.SamplingRatio > 1 {
		list = append(list, request{enableDropping, uintptr(d.cfg.SamplingRatio)})
	}
	if d.cfg.DropFailed && !d.layout.legacy {
		list = append(list, request{enableDropFailed, 0})
	}
	if d.layout.legacy {
		if d.choice.points>>pointFaultUser&1 != 0 {
			list = append(list, request{enablePageFaults, 0})
		}
	} else {
		for _, nr := range d.choice.calls {
			list = append(list, request{enableSyscall, uintptr(nr)})
		}
		for point := range numPoints {
			if d.choice.points>>point&1 != 0 {
				list = append(list, request{enablePoint, uintptr(point)})
			}
		}
	}
	for _, q := range list {
		if err := d.ask(q.nr, q.arg); err != nil {
			return fmt.Errorf("the module %s refuses request %#x of %d: %w", Name, q.nr, q.arg, err)
		}
	}
	if !d.layout.legacy {
		return nil
	}
	return d.askAll(enableCapture)
}

// askAll sends a request for each device, on the control's thread.
func (d *Driver) askAll(nr uintptr) error {
	var errs []error
	for _, r := range d.rings {
		_, err := ioctl(r.fd, nr, 0)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// disable ends tracing, on the control's thread.
func (d *Driver) disable() error {
	if d.layout.legacy {
		return d.askAll(disableCapture)
	}
	var errs []error
	for point := range numPoints {
		if d.choice.points>>point&1 != 0 {
			errs = append(errs, d.ask(disablePoint, uintptr(point)))
		}
	}
	return errors.Join(errs...)
}

// follow opens the device of a CPU that came up.
func (d *Driver) follow(ev *event.Event) {
	n, ok := ev.Int(0)
	if !ok {
		return
	}
	var r *ring
	err := d.control.do(func() (err error) {
		if r, err = newRing(Name, int(n), d.size); err != nil {
			return err
		}
		if err = r.mmap(); err != nil {
			r.Close()
		}
		return err
	})
	if err != nil {
		return // a CPU that is gone again is no loss
	}
	d.life.Using.Lock()
	defer d.life.Using.Unlock()
	d.rings = append(d.rings, r)
	d.merger.Buffers = append(d.merger.Buffers, r)
}

// ask sends a request for all devices through the first one, on the control's thread.
func (d *Driver) ask(nr, arg uintptr) error {
	_, err := ioctl(d.rings[0].fd, nr, arg)
	return err
}

// release gives back what open took, as far as it came.
func (d *Driver) release() {
	_ = d.control.do(func() error {
		for _, r := range d.rings {
			r.Close()
		}
		return nil
	})
	d.rings, d.merger = nil, driver.Merger{}
	d.control.close()
}

// askInto sends a request that stores its answer.
func (d *Driver) askInto(nr uintptr, to unsafe.Pointer) error {
	_, err := ioctl(d.rings[0].fd, nr, uintptr(to))
	return err
}
