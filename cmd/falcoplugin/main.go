// Command falcoplugin is a shared library for Falco and sysdig that brings them the
// events of tracers: liblanner.so.
//
// In a nutshell: it is a source plugin with id 0 and without an event source of its own,
// which tells its host that it emits the events of system calls. With the engine
// "nodriver" Falco then takes it in place of a driver. This file has what the API wants
// exported, memory.go what C may keep of ours, internal/plugin all else.
//
// Exports are written by hand: the SDK for Go (falcosecurity/plugin-sdk-go) emits plugin
// events only.
//
// Calls for one instance come from one thread at a time, those for several may come
// together (plugin_api.h). No call may panic: that would end the host.
package main

/*
#include <stdlib.h>
#include "api.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"io"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/plugin"
)

func main() {} // never called: a shared library

// patience is how long a host waits for events: it looks after signals in between.
const patience = 30 * time.Millisecond

// What never changes.
var (
	apiVersion  = C.CString("3.0.0")
	version     = C.CString(pluginVersion(release))
	name        = C.CString(plugin.Name)
	description = C.CString("System calls of traced programs, where no driver can be installed")
	contact     = C.CString("github.com/lannerhq/lanner")
	schema      = C.CString(plugin.Schema)
	openParams  = C.CString(plugin.OpenParams)
	noSource    = C.CString("")
	noState     = C.CString("the plugin has not been initialized")
)

//export plugin_get_required_api_version
func plugin_get_required_api_version() *C.char { return apiVersion }

//export plugin_get_version
func plugin_get_version() *C.char { return version }

//export plugin_get_name
func plugin_get_name() *C.char { return name }

//export plugin_get_description
func plugin_get_description() *C.char { return description }

//export plugin_get_contact
func plugin_get_contact() *C.char { return contact }

//export plugin_get_id
func plugin_get_id() C.uint32_t { return 0 }

//export plugin_get_event_source
func plugin_get_event_source() *C.char { return noSource }

//export plugin_get_init_schema
func plugin_get_init_schema(kind *C.int32_t) *C.char {
	*kind = C.SCHEMA_JSON
	return schema
}

// plugin_init returns a state also where it fails, so that the host can ask why.
//
//export plugin_init
func plugin_init(in *C.struct_init_input, rc *C.int32_t) unsafe.Pointer {
	s := newState()
	*rc = s.result(func() (err error) {
		text := ""
		if in != nil && in.config != nil {
			text = C.GoString(in.config)
		}
		s.cfg, err = plugin.ParseConfig(text)
		return err
	})
	return s.self
}

//export plugin_destroy
func plugin_destroy(p unsafe.Pointer) {
	if s := stateOf(p); s != nil {
		s.free()
	}
}

//export plugin_get_last_error
func plugin_get_last_error(p unsafe.Pointer) *C.char {
	s := stateOf(p)
	if s == nil {
		return noState
	}
	return s.lastError()
}

//export plugin_list_open_params
func plugin_list_open_params(_ unsafe.Pointer, rc *C.int32_t) *C.char {
	*rc = C.RC_SUCCESS
	return openParams
}

//export plugin_open
func plugin_open(p unsafe.Pointer, params *C.char, rc *C.int32_t) unsafe.Pointer {
	*rc = C.RC_FAILURE
	s := stateOf(p)
	if s == nil {
		return nil
	}
	var i *instance
	*rc = s.result(func() error {
		if s.cfg == nil {
			return errors.New("the plugin was not initialized")
		}
		text := ""
		if params != nil {
			text = C.GoString(params)
		}
		src, err := plugin.Open(s.cfg, text, tell)
		if err == nil {
			i = newInstance(s, src)
		}
		return err
	})
	if i == nil {
		return nil
	}
	return i.self
}

// tell is told of tracers. Hosts before API 3.3 have no log for plugins. os.Stderr would end
// the host if nobody reads its standard error, also one that ignores SIGPIPE (os/signal).
func tell(line string) { _, _ = unix.Write(2, fmt.Appendf(nil, "%s: %s\n", plugin.Name, line)) }

//export plugin_close
func plugin_close(_, h unsafe.Pointer) {
	if i := instanceOf(h); i != nil {
		i.free()
	}
}

//export plugin_next_batch
func plugin_next_batch(p, h unsafe.Pointer, n *C.uint32_t, events **unsafe.Pointer) C.int32_t {
	*n = 0
	s, i := stateOf(p), instanceOf(h)
	if s == nil || i == nil {
		return C.RC_FAILURE
	}
	rc := C.int32_t(C.RC_TIMEOUT)
	if bad := s.result(func() error {
		b, err := i.src.Next(patience)
		switch {
		case err == io.EOF:
			rc = C.RC_EOF
		case err != nil:
			return err
		case len(b.Starts) > 0:
			*n, *events = C.uint32_t(len(b.Starts)), i.pin(b)
			rc = C.RC_SUCCESS
		}
		return nil
	}); bad != C.RC_SUCCESS {
		return bad
	}
	return rc
}

// plugin_get_progress has no share to tell of: tracers come and go.
//
//export plugin_get_progress
func plugin_get_progress(_, h unsafe.Pointer, share *C.uint32_t) *C.char {
	*share = 0
	i := instanceOf(h)
	if i == nil {
		return nil
	}
	return i.progress()
}

//export plugin_get_metrics
func plugin_get_metrics(p unsafe.Pointer, n *C.uint32_t) *C.struct_metric {
	*n = 0
	s := stateOf(p)
	if s == nil {
		return nil
	}
	return s.metrics(n)
}
