package container

import (
	"bytes"
	"slices"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// cgroupsAt is the parameter of each event that has the cgroups, -1 for none.
var cgroupsAt = func() []int {
	at := make([]int, len(spec.Events))
	for i := range spec.Events {
		at[i] = slices.IndexFunc(spec.Events[i].Params, func(p spec.Param) bool { return p.Name == "cgroups" })
	}
	return at
}()

// A source adds the id of a container to what another source yields.
type source struct {
	event.Source
	id  string
	b   event.Builder
	buf []byte // cgroups with the id
}

// Source returns src with id added to cgroups of events that have no id; src itself if
// id is empty.
func Source(src event.Source, id string) event.Source {
	if id == "" {
		return src
	}
	return &source{Source: src, id: id}
}

func (s *source) ReadInto(ev *event.Event) error {
	if err := s.Source.ReadInto(ev); err != nil {
		return err
	}
	t := ev.Type()
	if int(t) >= len(cgroupsAt) || cgroupsAt[t] < 0 {
		return nil
	}
	k := cgroupsAt[t]
	list := ev.Param(k)
	if len(list) == 0 || id.Match(list) || bytes.Contains(list, []byte(s.id)) {
		return nil
	}
	s.buf = s.buf[:0]
	for one := range bytes.SplitSeq(bytes.TrimSuffix(list, []byte{0}), []byte{0}) {
		s.buf = append(within(s.buf, one, s.id), 0)
	}
	if len(s.buf) > event.MaxParamLen {
		return nil
	}
	cpu, flags := ev.CPU, ev.Flags
	s.b.Reset()
	s.b.Begin(t, ev.TS(), ev.TID(), ev.NumParams())
	for i := range ev.NumParams() {
		if i == k {
			s.b.PutBytes(s.buf)
		} else {
			s.b.PutBytes(ev.Param(i))
		}
	}
	if _, err := ev.Parse(s.b.End()); err != nil {
		panic(err) // what a Builder makes can be parsed
	}
	ev.CPU, ev.Flags = cpu, flags
	return nil
}

// within appends "controller=path" with the id as the last part of the path.
func within(dst, one []byte, id string) []byte {
	dst = append(dst, bytes.TrimSuffix(one, []byte("/"))...)
	return append(append(dst, '/'), id...)
}

// Snapshot adds id to the cgroups of all threads that have no id in them.
func Snapshot(snap *snapshot.State, id string) {
	if id == "" {
		return
	}
	for i := range snap.Threads {
		t := &snap.Threads[i]
		if slices.ContainsFunc(t.Cgroups, func(one string) bool { return find(one) != "" }) {
			continue
		}
		list := make([]string, 0, len(t.Cgroups)) // threads share theirs
		for _, one := range t.Cgroups {
			list = append(list, string(within(nil, []byte(one), id)))
		}
		t.Cgroups = list
	}
}
