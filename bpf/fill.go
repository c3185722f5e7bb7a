package bpf

import (
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/cilium/ebpf"

	"github.com/lannerhq/lanner/kernel/event"
)

// fillTables loads the programs of the wanted events and puts them where the hooks
// find them. Most of the time that starting takes is the kernel's for checking these,
// so that each CPU gets its share.
func (d *Driver) fillTables(s *ebpf.CollectionSpec) error {
	var types []event.Type
	for typ := range d.sel.programs {
		types = append(types, typ)
	}
	slices.Sort(types)
	n := min(runtime.GOMAXPROCS(0), 8)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		var share []event.Type
		for k := i; k < len(types); k += n {
			share = append(share, types[k])
		}
		part := s.Copy()
		wg.Go(func() { errs[i] = d.fillShare(part, share) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err // one is enough to go by, and one line
		}
	}
	return nil
}

// fillShare does it for some events. The tables keep the programs; a descriptor of
// each would only count against the limit of open files.
func (d *Driver) fillShare(s *ebpf.CollectionSpec, types []event.Type) error {
	var names []string
	for _, typ := range types {
		names = append(names, programs[typ])
	}
	keepPrograms(s, names)
	coll, err := ebpf.NewCollectionWithOptions(s, ebpf.CollectionOptions{MapReplacements: d.coll.Maps})
	if err != nil {
		return fmt.Errorf("load the probe: %w", err)
	}
	defer coll.Close()
	for _, typ := range types {
		table := modernMapExitPrograms
		if typ.Enter() {
			table = modernMapEnterPrograms
		}
		if err := coll.Maps[table].Put(uint32(typ), coll.Programs[programs[typ]]); err != nil {
			return fmt.Errorf("set up the program of %s: %w", typ, err)
		}
	}
	return nil
}
