package event

import "github.com/lannerhq/lanner/kernel/event/spec"

// tableSize bounds the numbers of calls: those of the contract are below 512
// (SYSCALL_TABLE_SIZE), those of the x32 ABI go on to 547.
const tableSize = 512 + 36

// Syscalls are the calls of one machine in one edition, by native number.
type Syscalls [tableSize]*spec.Syscall

// Lookup returns the call of a number, nil if the edition does not have it.
func (t *Syscalls) Lookup(nr uint64) *spec.Syscall {
	if nr >= tableSize {
		return nil
	}
	return t[nr]
}

// Native returns the 64-bit calls of a machine in an edition.
func Native(arch spec.Arch, in spec.Profile) *Syscalls {
	var t Syscalls
	for i := range spec.Syscalls {
		s := &spec.Syscalls[i]
		nr := s.X86
		if arch == spec.Arm64 {
			nr = s.Arm64
		}
		if nr != spec.NoNumber && s.In&in != 0 {
			t[nr] = s
		}
	}
	return &t
}

// I386 returns the 32-bit x86 calls as an edition sees them.
func I386(in spec.Profile) *Syscalls {
	names := make(map[string]*spec.Syscall, len(spec.Syscalls))
	for i := range spec.Syscalls {
		names[spec.Syscalls[i].Name] = &spec.Syscalls[i]
	}
	var t Syscalls
	for _, c := range spec.I386Calls {
		if in == spec.V036 {
			t[c.Number] = names[c.V036]
		} else {
			t[c.Number] = names[c.To]
		}
	}
	return &t
}

// X32 returns the calls of the x32 ABI, by number without __X32_SYSCALL_BIT.
// The contract's kernel drivers do not see them; they are decoded as the calls of
// the same name.
func X32(in spec.Profile) *Syscalls {
	t := *Native(spec.X86, in)
	for i, name := range spec.X32Calls {
		t[spec.FirstX32+i] = spec.FindSyscall(name)
	}
	return &t
}

// pairs maps the Ident of a pair, without E and X, to its enter event.
var pairs = func() map[string]Type {
	m := make(map[string]Type)
	for i := range spec.Events {
		if id := spec.Events[i].Ident; id != "" {
			m[id[:len(id)-1]] = Type(i &^ 1)
		}
	}
	return m
}()

// Pair returns the enter and exit events of a call in an edition. Calls whose
// events the edition does not have yet are generic.
func Pair(s *spec.Syscall, in spec.Profile) (enter, exit Type) {
	e := pairs[s.Event]
	if in == spec.V036 && e >= numV036 {
		e = GenericE
	}
	return e, e | 1
}

// numV036 is the number of rows in edition V036.
const numV036 = 418

// KeepsState reports whether readers need the call to keep their state of
// processes and descriptors: its events modify state, or it is never dropped
// (libs: ppm_sc state set).
func KeepsState(s *spec.Syscall, in spec.Profile) bool {
	_, x := Pair(s, in)
	return s.Drop == spec.NeverDrop || (x.Row().Flags|(x&^1).Row().Flags)&spec.ModifiesState != 0
}

// Codes maps the enter event of each pair to the codes of the calls that have
// it, tracepoints included. Generic events are not listed: they hold their code.
func Codes() map[Type][]uint16 {
	m := make(map[Type][]uint16)
	for i := range spec.Syscalls {
		s := &spec.Syscalls[i]
		if s.Event != "" && s.Event != "Generic" {
			m[pairs[s.Event]] = append(m[pairs[s.Event]], s.SC)
		}
	}
	return m
}
