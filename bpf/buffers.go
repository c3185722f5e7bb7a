package bpf

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
)

// makeRings makes the ring buffers and tells the probe which CPU has which. CPUs that
// come up later share the first one.
func (d *Driver) makeRings() error {
	online, err := driver.OnlineCPUs()
	if err != nil {
		return err
	}
	of := make([]int, d.numCPU) // buffer of each CPU
	for i, cpu := range online {
		if cpu >= d.numCPU {
			return fmt.Errorf("CPU %d is online, but not possible", cpu)
		}
		if d.cfg.CPUsPerBuffer > 0 {
			of[cpu] = i / d.cfg.CPUsPerBuffer
		}
		d.scratch(cpu).Known = 1
	}
	if err := d.sleeper.open(); err != nil {
		return err
	}
	var made []*ring
	for range of[online[len(online)-1]] + 1 {
		r, err := newRing(d.cfg.BufferBytes)
		if err != nil {
			return err
		}
		d.merger.Buffers = append(d.merger.Buffers, r)
		made = append(made, r)
		// Only when the probe says so: else a few events would end every sleep.
		if err := d.poll(r.m.FD(), unix.EPOLLIN|unix.EPOLLET); err != nil {
			return err
		}
	}
	for cpu, i := range of {
		if err := d.coll.Maps[modernMapRings].Put(uint32(cpu), made[i].m); err != nil {
			return fmt.Errorf("set up the ring buffer of CPU %d: %w", cpu, err)
		}
	}
	return nil
}

// wakeupBytes is how much a CPU sends before the reader is woken: together the CPUs
// that share a buffer then have filled an eighth of it.
func (d *Driver) wakeupBytes() int {
	sharing := d.cfg.CPUsPerBuffer
	if sharing == 0 || sharing > d.numCPU {
		sharing = d.numCPU
	}
	return d.cfg.BufferBytes / 8 / sharing
}
