package output

import (
	"slices"
	"strconv"
	"time"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A Field is something that formats can show of an event.
type Field struct {
	Name    string `json:"name"`
	Type    string `json:"type"`              // of the value: string, integer, bool
	Arg     bool   `json:"arg,omitempty"`     // takes an argument
	Example string `json:"example,omitempty"` // of a field with an argument
	Help    string `json:"help"`

	get func(r *renderer, dst []byte, arg string) ([]byte, bool)
}

// Fields lists all fields.
func Fields() []Field { return slices.Clone(fields) }

var fields = slices.Concat(eventFields, processFields, userFields, fdFields)

var fieldByName = func() map[string]*Field {
	m := make(map[string]*Field, len(fields))
	for i := range fields {
		m[fields[i].Name] = &fields[i]
	}
	return m
}()

// text and number make fields without argument.
func text(name, help string, get func(*renderer, []byte) ([]byte, bool)) Field {
	return Field{Name: name, Type: "string", Help: help,
		get: func(r *renderer, dst []byte, _ string) ([]byte, bool) { return get(r, dst) }}
}

func number(name, help string, get func(*renderer) (int64, bool)) Field {
	return Field{Name: name, Type: "integer", Help: help,
		get: func(r *renderer, dst []byte, _ string) ([]byte, bool) {
			v, ok := get(r)
			if !ok {
				return dst, false
			}
			return strconv.AppendInt(dst, v, 10), true
		}}
}

func boolean(name, help string, get func(*renderer) bool) Field {
	return Field{Name: name, Type: "bool", Help: help,
		get: func(r *renderer, dst []byte, _ string) ([]byte, bool) {
			return strconv.AppendBool(dst, get(r)), true
		}}
}

var eventFields = []Field{
	number("evt.num", "number of the event among those shown, from 1",
		func(r *renderer) (int64, bool) { return int64(r.num), true }),
	text("evt.time", "local time of day with nanoseconds",
		func(r *renderer, dst []byte) ([]byte, bool) { return appendTime(dst, r.ts, "15:04:05.000000000"), true }),
	text("evt.time.s", "local time of day",
		func(r *renderer, dst []byte) ([]byte, bool) { return appendTime(dst, r.ts, "15:04:05"), true }),
	text("evt.time.iso8601", "time in ISO 8601 form with nanoseconds, UTC",
		func(r *renderer, dst []byte) ([]byte, bool) {
			return at(r.ts).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000000-0700"), true
		}),
	text("evt.datetime", "local date and time with nanoseconds",
		func(r *renderer, dst []byte) ([]byte, bool) {
			return appendTime(dst, r.ts, "2006-01-02 15:04:05.000000000"), true
		}),
	text("evt.datetime.s", "local date and time",
		func(r *renderer, dst []byte) ([]byte, bool) {
			return appendTime(dst, r.ts, "2006-01-02 15:04:05"), true
		}),
	number("evt.rawtime", "ns since the epoch", func(r *renderer) (int64, bool) { return int64(r.ts), true }),
	number("evt.rawtime.s", "seconds since the epoch", func(r *renderer) (int64, bool) { return int64(r.ts / 1e9), true }),
	number("evt.rawtime.ns", "fraction of the time, ns", func(r *renderer) (int64, bool) { return int64(r.ts % 1e9), true }),
	number("evt.reltime", "ns since the first event", func(r *renderer) (int64, bool) { return int64(r.ts - r.first), true }),
	number("evt.reltime.s", "seconds since the first event",
		func(r *renderer) (int64, bool) { return int64(r.ts-r.first) / 1e9, true }),
	number("evt.reltime.ns", "fraction of the time since the first event, ns",
		func(r *renderer) (int64, bool) { return int64(r.ts-r.first) % 1e9, true }),
	number("evt.deltatime", "ns since the event before", func(r *renderer) (int64, bool) { return int64(r.ts - r.last), true }),
	text("evt.dir", "> for the start of a call, < for its end",
		func(r *renderer, dst []byte) ([]byte, bool) { return append(dst, direction(r.ev.Type())), true }),
	text("evt.type", "name of the event, such as openat",
		func(r *renderer, dst []byte) ([]byte, bool) { return appendType(dst, r), true }),
	text("syscall.type", "name of the system call; of other events none",
		func(r *renderer, dst []byte) ([]byte, bool) {
			if r.row == nil || r.row.Category&spec.OfSyscall == 0 {
				return dst, false
			}
			return appendType(dst, r), true
		}),
	text("evt.category", "what the event is about, such as file, net or process",
		func(r *renderer, dst []byte) ([]byte, bool) { return append(dst, category(r)...), true }),
	number("evt.cpu", "number of the CPU", func(r *renderer) (int64, bool) { return int64(r.ev.CPU), true }),
	text("evt.info", "all parameters", func(r *renderer, dst []byte) ([]byte, bool) { return r.info(dst), true }),
	text("evt.args", "all parameters", func(r *renderer, dst []byte) ([]byte, bool) { return r.info(dst), true }),
	{Name: "evt.arg", Type: "string", Arg: true, Example: "evt.arg.name",
		Help: "one parameter by name, or by number from 0: what its value means, or else the value",
		get: func(r *renderer, dst []byte, arg string) ([]byte, bool) {
			start := len(dst)
			i := r.argument(arg)
			if i < 0 {
				return dst, false
			}
			if dst = r.value(dst, i); len(r.meaning) > 0 {
				dst = append(dst[:start], r.meaning...)
			}
			return dst, true
		}},
	{Name: "evt.rawarg", Type: "string", Arg: true, Example: "evt.rawarg.fd",
		Help: "the value of one parameter by name",
		get: func(r *renderer, dst []byte, arg string) ([]byte, bool) {
			i := r.argument(arg)
			if i < 0 {
				return dst, false
			}
			return r.value(dst, i), true
		}},
	text("evt.res", "SUCCESS, or the name of the error",
		func(r *renderer, dst []byte) ([]byte, bool) {
			res, ok := r.result()
			switch {
			case !ok:
				return dst, false
			case res >= 0:
				return append(dst, "SUCCESS"...), true
			}
			if name := errnoName(-res); name != "" {
				return append(dst, name...), true
			}
			return strconv.AppendInt(dst, res, 10), true
		}),
	number("evt.rawres", "the result as a number", (*renderer).result),
	boolean("evt.failed", "whether the call failed", func(r *renderer) bool { res, ok := r.result(); return ok && res < 0 }),
	text("evt.buffer", "what was read or written",
		func(r *renderer, dst []byte) ([]byte, bool) {
			i := r.find("data")
			if i < 0 {
				return dst, false
			}
			return r.data(dst, r.ev.Param(i)), true
		}),
	number("evt.buflen", "bytes that were read or written",
		func(r *renderer) (int64, bool) {
			if r.row == nil || r.row.Flags&ioFlags == 0 {
				return 0, false
			}
			res, ok := r.result()
			return res, ok && res >= 0
		}),
	boolean("evt.is_io", "whether the call reads or writes", func(r *renderer) bool { return r.has(ioFlags) }),
	boolean("evt.is_io_read", "whether the call reads", func(r *renderer) bool { return r.has(spec.ReadsFromFD) }),
	boolean("evt.is_io_write", "whether the call writes", func(r *renderer) bool { return r.has(spec.WritesToFD) }),
	boolean("evt.is_wait", "whether the thread may wait in the call", func(r *renderer) bool { return r.has(spec.Waits) }),
	text("evt.io_dir", "read or write",
		func(r *renderer, dst []byte) ([]byte, bool) {
			switch {
			case r.has(spec.WritesToFD):
				return append(dst, "write"...), true
			case r.has(spec.ReadsFromFD):
				return append(dst, "read"...), true
			}
			return dst, false
		}),
}

const ioFlags = spec.ReadsFromFD | spec.WritesToFD

func (r *renderer) has(f spec.Flags) bool { return r.row != nil && r.row.Flags&f != 0 }

// argument finds a parameter by name or number.
func (r *renderer) argument(arg string) int {
	if n, err := strconv.Atoi(arg); err == nil {
		if n >= 0 && n < r.params() {
			return n
		}
		return -1
	}
	return r.find(arg)
}

func at(ts uint64) time.Time { return time.Unix(int64(ts/1e9), int64(ts%1e9)) }

func appendTime(dst []byte, ts uint64, layout string) []byte {
	return at(ts).AppendFormat(dst, layout)
}

func direction(t event.Type) byte {
	if t.Enter() {
		return '>'
	}
	return '<'
}

// appendType appends the name of an event; of calls without events of their own
// that of the call.
func appendType(dst []byte, r *renderer) []byte {
	if r.row == nil {
		return strconv.AppendUint(append(dst, "unknown"...), uint64(r.ev.Type()), 10)
	}
	if r.ev.Type()|1 == event.GenericX {
		if sc, ok := r.ev.Int(0); ok {
			if name := syscallName(sc); name != "" {
				return append(dst, name...)
			}
		}
	}
	return append(dst, r.row.Name...)
}

var categories = map[spec.Category]string{
	spec.Other: "other", spec.File: "file", spec.Net: "net", spec.IPC: "IPC", spec.Memory: "memory",
	spec.Process: "process", spec.Sleep: "sleep", spec.System: "system", spec.SignalCat: "signal",
	spec.User: "user", spec.Time: "time", spec.Processing: "processing", spec.Wait: "wait",
	spec.Scheduler: "scheduler",
}

// category names what an event is about; of reads and writes that is what the
// descriptor is.
func category(r *renderer) string {
	if r.row == nil {
		return "unknown"
	}
	c := r.row.Category & spec.CategoryMask
	switch c {
	case spec.IORead, spec.IOWrite, spec.IOOther:
		return fdCategory(r.st.FD())
	}
	if name, ok := categories[c]; ok {
		return name
	}
	return "unknown"
}
