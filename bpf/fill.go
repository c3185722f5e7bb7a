package bpf

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/lannerhq/lanner/kernel/event"
)

// fillTables loads the programs of the wanted events and puts them where the hooks
// find them. Most of the time that starting takes is the kernel's for checking these,
// so that each CPU takes some after others. The tables keep the programs; descriptors of
// them, which count against the limit of open files, are held of a few at a time. They make
// no tail calls themselves, or they might not be loaded while tables are filled, see fillTails.
func (d *Driver) fillTables(s *ebpf.CollectionSpec, kernel *btf.Cache) error {
	const few = 24
	types := slices.Sorted(maps.Keys(d.sel.programs))
	parts := slices.Collect(slices.Chunk(types, few))
	return spread(len(parts), func(i int) error { return d.fill(s, kernel, parts[i]) })
}

// fill does it for some events.
func (d *Driver) fill(s *ebpf.CollectionSpec, kernel *btf.Cache, types []event.Type) error {
	part := *s
	part.Programs = make(map[string]*ebpf.ProgramSpec, len(types))
	for _, typ := range types {
		part.Programs[programs[typ]] = s.Programs[programs[typ]]
	}
	coll, err := ebpf.NewCollectionWithOptions(part.Copy(), ebpf.CollectionOptions{MapReplacements: d.coll.Maps, Cache: kernel})
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

// spread does n things, each of our CPUs some: eight at once, at most.
func spread(n int, do func(i int) error) error {
	errs := make([]error, min(runtime.GOMAXPROCS(0), 8))
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for errs[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				errs[w] = do(i)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err // one is enough to go by, and one line
		}
	}
	return nil
}
