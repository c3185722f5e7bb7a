package main

/*
#include <stdlib.h>
#include "api.h"

// A host keeps addresses for our states and instances; what is there is a handle of cgo.
struct handle {
	uintptr_t value;
};
*/
import "C"

import (
	"fmt"
	"regexp"
	"runtime"
	"runtime/cgo"
	"runtime/debug"
	"slices"
	"sync"
	"unsafe"

	"github.com/lannerhq/lanner/internal/plugin"
)

// release is set by the linker: as git describe has it.
var release = "devel"

// pluginVersion makes a version as the API wants it, of three numbers.
func pluginVersion(release string) string {
	if v := regexp.MustCompile(`^v(\d+\.\d+\.\d+)`).FindStringSubmatch(release); v != nil {
		return v[1]
	}
	return "0.0.0"
}

// handle makes an address for a host that stands for v.
func handle(v any) unsafe.Pointer {
	h := (*C.struct_handle)(C.malloc(C.sizeof_struct_handle))
	h.value = C.uintptr_t(cgo.NewHandle(v))
	return unsafe.Pointer(h)
}

// value returns what an address of handle stands for.
func value(p unsafe.Pointer) any { return cgo.Handle((*C.struct_handle)(p).value).Value() }

func drop(p unsafe.Pointer) {
	cgo.Handle((*C.struct_handle)(p).value).Delete()
	C.free(p)
}

// A state is an initialized plugin.
type state struct {
	self unsafe.Pointer
	cfg  *plugin.Config // nil if that failed

	mu        sync.Mutex // of all below
	err       *C.char    // of the last call that failed
	instances []*instance
	figures   unsafe.Pointer // what plugin_get_metrics returned
}

func newState() *state {
	s := new(state)
	s.self = handle(s)
	return s
}

// stateOf returns the state that a host means, nil for none.
func stateOf(p unsafe.Pointer) *state {
	if p == nil {
		return nil
	}
	return value(p).(*state)
}

func (s *state) free() {
	drop(s.self)
	C.free(unsafe.Pointer(s.err))
	C.free(s.figures)
}

// result runs f and keeps its error for the host. A panic is one too.
func (s *state) result(f func() error) (rc C.int32_t) {
	defer func() {
		if r := recover(); r != nil {
			rc = s.fail(fmt.Errorf("a bug: %v\n%s", r, debug.Stack()))
		}
	}()
	if err := f(); err != nil {
		return s.fail(err)
	}
	return C.RC_SUCCESS
}

func (s *state) fail(err error) C.int32_t {
	s.mu.Lock()
	defer s.mu.Unlock()
	C.free(unsafe.Pointer(s.err))
	s.err = C.CString(err.Error())
	return C.RC_FAILURE
}

func (s *state) lastError() *C.char {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		return noSource // empty
	}
	return s.err
}

// metrics sums up over the instances. Names stand behind the list, in the same memory.
func (s *state) metrics(n *C.uint32_t) *C.struct_metric {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum []plugin.Metric
	for _, i := range s.instances {
		for k, m := range i.src.Metrics() {
			if k == len(sum) {
				sum = append(sum, plugin.Metric{Name: m.Name, Gauge: m.Gauge})
			}
			sum[k].Value += m.Value
		}
	}
	C.free(s.figures)
	s.figures = nil
	if len(sum) == 0 {
		return nil
	}
	size := len(sum) * C.sizeof_struct_metric
	at := size
	for _, m := range sum {
		size += len(m.Name) + 1
	}
	s.figures = C.calloc(1, C.size_t(size)) // names end with what is zero
	list := unsafe.Slice((*C.struct_metric)(s.figures), len(sum))
	bytes := unsafe.Slice((*byte)(s.figures), size)
	for k, m := range sum {
		copy(bytes[at:], m.Name)
		list[k].name, list[k].value_type = (*C.char)(unsafe.Pointer(&bytes[at])), C.METRIC_U64
		at += len(m.Name) + 1
		*(*uint64)(unsafe.Pointer(&list[k].value)) = m.Value
		if m.Gauge {
			list[k]._type = C.METRIC_GAUGE
		}
	}
	*n = C.uint32_t(len(sum))
	return &list[0]
}

// An instance is an open source.
type instance struct {
	self   unsafe.Pointer
	owner  *state
	src    *plugin.Source
	events []unsafe.Pointer // the batch that the host has
	pinner runtime.Pinner   // keeps it where it is
	text   *C.char          // what plugin_get_progress returned
}

func newInstance(s *state, src *plugin.Source) *instance {
	i := &instance{owner: s, src: src}
	i.self = handle(i)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instances = append(s.instances, i)
	return i
}

// instanceOf returns the instance that a host means, nil for none.
func instanceOf(p unsafe.Pointer) *instance {
	if p == nil {
		return nil
	}
	return value(p).(*instance)
}

// pin hands a batch out: addresses of its events, which stay valid until the next call.
func (i *instance) pin(b plugin.Batch) *unsafe.Pointer {
	i.pinner.Unpin()
	i.events = i.events[:0]
	for _, at := range b.Starts {
		i.events = append(i.events, unsafe.Pointer(&b.Data[at]))
	}
	i.pinner.Pin(&b.Data[0])
	i.pinner.Pin(&i.events[0])
	return &i.events[0]
}

func (i *instance) progress() *C.char {
	C.free(unsafe.Pointer(i.text))
	i.text = C.CString(i.src.Progress())
	return i.text
}

func (i *instance) free() {
	s := i.owner
	s.mu.Lock()
	s.instances = slices.DeleteFunc(s.instances, func(o *instance) bool { return o == i })
	s.mu.Unlock()
	i.src.Close()
	i.pinner.Unpin()
	C.free(unsafe.Pointer(i.text))
	drop(i.self)
}
