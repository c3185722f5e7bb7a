package drivertest

import (
	"strings"
	"testing"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Set is the set of events that an expression stands for.
func Set(t testing.TB, expr string, in spec.Profile) event.Set {
	t.Helper()
	s, err := event.ParseSet(expr, in)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// index finds a parameter by its name.
func index(t testing.TB, ev *event.Event, name string) int {
	t.Helper()
	for i, p := range ev.Type().Row().Params {
		if p.Name == name {
			return i
		}
	}
	t.Fatalf("%s has no parameter %s", ev.Type(), name)
	return 0
}

// Param returns a parameter by its name.
func Param(t testing.TB, ev *event.Event, name string) []byte {
	t.Helper()
	return ev.Param(index(t, ev, name))
}

// Text is a parameter without its NUL.
func Text(t testing.TB, ev *event.Event, name string) string {
	t.Helper()
	return strings.TrimSuffix(string(Param(t, ev, name)), "\x00")
}

// Number is a parameter that is an integer.
func Number(t testing.TB, ev *event.Event, name string) int64 {
	t.Helper()
	v, ok := ev.Int(index(t, ev, name))
	if !ok {
		t.Fatalf("%s of %s is %x", name, ev.Type(), Param(t, ev, name))
	}
	return v
}
