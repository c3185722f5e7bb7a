package event

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A Set is a selection of system calls and tracepoints, by code.
type Set [(numSC + 63) / 64]uint64

// numSC bounds the codes; a test holds it against the rows.
const numSC = 512

// Add puts a code into the set, Remove takes it out.
func (s *Set) Add(sc uint16)    { s[sc/64] |= 1 << (sc % 64) }
func (s *Set) Remove(sc uint16) { s[sc/64] &^= 1 << (sc % 64) }

// Has reports whether a code is in the set.
func (s *Set) Has(sc uint16) bool { return sc < numSC && s[sc/64]>>(sc%64)&1 != 0 }

// Union adds another set.
func (s *Set) Union(t *Set) {
	for i := range s {
		s[i] |= t[i]
	}
}

// Codes of what is no system call.
const (
	SCUnknown       = 0
	SCProcExit      = 396
	SCSwitch        = 397
	SCPageFaultUser = 398
	SCSignalDeliver = 400
)

// category names as users write them, in the order of help texts.
var categories = []struct {
	name string
	cat  spec.Category
}{
	{"file", spec.File}, {"io-read", spec.IORead}, {"io-write", spec.IOWrite}, {"io-other", spec.IOOther},
	{"net", spec.Net}, {"ipc", spec.IPC}, {"wait", spec.Wait}, {"signal", spec.SignalCat}, {"sleep", spec.Sleep},
	{"time", spec.Time}, {"process", spec.Process}, {"user", spec.User}, {"memory", spec.Memory},
	{"system", spec.System}, {"other", spec.Other},
}

// CategoryName returns what users call a category.
func CategoryName(c spec.Category) string {
	for _, x := range categories {
		if x.cat == c&spec.CategoryMask {
			return x.name
		}
	}
	if c&spec.CategoryMask == spec.Scheduler {
		return "scheduler"
	}
	return "unknown"
}

// SetNames lists the names that stand for sets, with a help text each.
func SetNames() [][2]string {
	names := [][2]string{
		{"all", "every call of the contract"},
		{"default", "state and rules"},
		{"state", "what readers need to keep processes and descriptors"},
	}
	for _, s := range spec.NamedSets {
		names = append(names, [2]string{s.Name, s.Help})
	}
	for _, c := range categories {
		names = append(names, [2]string{c.name, "events of the category"})
	}
	return names
}

// DefaultSet returns what is traced if nobody says otherwise: what readers need
// to keep state, and what Falco's stable rules look at.
func DefaultSet(in spec.Profile) Set {
	return named("default", in)
}

// ParseSet reads a selection: names of calls and events, patterns with *, and
// sets, separated by commas; '!' before a word takes it away. A selection that
// starts with a '!' starts from the default.
func ParseSet(expr string, in spec.Profile) (Set, error) {
	var s Set
	for i, word := range strings.Split(expr, ",") {
		word = strings.TrimSpace(word)
		name, minus := strings.CutPrefix(word, "!")
		if i == 0 && minus {
			s = DefaultSet(in)
		}
		name = strings.TrimLeft(name, "%@")
		found := false
		for j := range spec.Syscalls {
			row := &spec.Syscalls[j]
			if row.SC == SCUnknown || row.In&in == 0 || !selects(name, row, in) {
				continue
			}
			found = true
			if minus {
				s.Remove(row.SC)
			} else {
				s.Add(row.SC)
			}
		}
		if !found {
			return Set{}, fmt.Errorf("unknown event or set %q%s", name, suggest(name))
		}
	}
	return s, nil
}

// selects reports whether a word names a call.
func selects(word string, s *spec.Syscall, in spec.Profile) bool {
	switch word {
	case "all":
		return true
	case "state":
		return s.SC == SCProcExit || s.SC < SCProcExit && KeepsState(s, in) || s.SC > SCSignalDeliver && KeepsState(s, in)
	case "default":
		return selects("state", s, in) || selects("rules", s, in)
	}
	for _, set := range spec.NamedSets {
		if set.Name == word {
			return slices.ContainsFunc(set.Patterns, func(p string) bool { return match(p, s.Name) })
		}
	}
	_, exit := Pair(s, in)
	for _, c := range categories {
		if c.name == word {
			return exit.Row().Category&spec.CategoryMask == c.cat
		}
	}
	if match(word, s.Name) {
		return true
	}
	row := (exit &^ 1).Row()
	return exit != GenericX && (match(word, row.Name) || match(word, exit.Row().Name))
}

func match(pattern, name string) bool {
	if !strings.ContainsAny(pattern, `*?[\`) {
		return pattern == name
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// suggest names the nearest known word, if one is near.
func suggest(word string) string {
	var names []string
	for i := range spec.Syscalls {
		names = append(names, spec.Syscalls[i].Name)
	}
	for i := range spec.Events {
		names = append(names, spec.Events[i].Name)
	}
	for _, n := range SetNames() {
		names = append(names, n[0])
	}
	if n := Nearest(word, names); n != "" {
		return fmt.Sprintf("; did you mean %q?", n)
	}
	return ""
}

// Nearest returns the word of a list that is the fewest edits away from a word,
// "" if none is near enough to be meant.
func Nearest(word string, list []string) string {
	best, dist := "", len(word)/3+2
	for _, w := range list {
		if d := distance(word, w); cmp.Less(d, dist) {
			best, dist = w, d
		}
	}
	return best
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := prev
			if a[i] != b[j] {
				cost++
			}
			prev = row[j+1]
			row[j+1] = min(cost, row[j]+1, prev+1)
		}
	}
	return row[len(b)]
}
