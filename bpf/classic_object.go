package bpf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// A classicObject is a classic probe as it is in its file: an ELF object whose sections
// are maps, programs, and what to check before loading (docs/drivers.md).
type classicObject struct {
	kernel      string // release that it was compiled for
	api, schema uint64 // see version
	license     string
	order       binary.ByteOrder
	maps        map[string]*ebpf.MapSpec
	programs    map[string]*classicProgram // by function
}

// kind is the type of all programs: before Linux 4.17 there are no raw tracepoints.
func (o *classicObject) kind() ebpf.ProgramType {
	for _, p := range o.programs {
		if p.group != "" {
			return ebpf.TracePoint
		}
	}
	return ebpf.RawTracepoint
}

// A classicProgram is a program before its maps are there.
type classicProgram struct {
	hook  string // of which tracepoint: the end of its section's name
	group string // of the tracepoint; empty if it is a raw one, or none
	code  []byte
	uses  map[uint64]string // names of maps by the offset of the instruction that loads them
}

func versionText(v uint64) string {
	return fmt.Sprintf("%d.%d.%d", v>>44, v>>24&(1<<20-1), v&(1<<24-1))
}

// Sizes within the file.
const (
	mapDefSize    = 7 * 4   // struct map_def of classic/helpers.h
	maxObject     = 8 << 20 // bytes of a file
	maxMapValue   = 1 << 20
	instruction   = 8
	relocation64  = 1 // R_BPF_64_64
	filledPrefix  = "filler/"
	programPrefix = "raw_tracepoint/"
	groupPrefix   = "tracepoint/" // then the group of the tracepoint
)

var errNoProbe = errors.New("this is no classic probe")

// parseClassic reads a probe. It may be anybody's: nothing in it is trusted.
func parseClassic(r io.ReaderAt) (*classicObject, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoProbe, err)
	}
	if f.Machine != elf.EM_BPF || f.Class != elf.ELFCLASS64 {
		return nil, fmt.Errorf("%w: it is for %v", errNoProbe, f.Machine)
	}
	o := &classicObject{order: f.ByteOrder, maps: make(map[string]*ebpf.MapSpec), programs: make(map[string]*classicProgram)}
	for name, to := range map[string]*string{"license": &o.license, "kernel_version": &o.kernel} {
		b, err := section(f, name)
		if err != nil {
			return nil, err
		}
		*to = string(bytes.TrimRight(b, "\x00"))
	}
	for name, to := range map[string]*uint64{"api_version": &o.api, "schema_version": &o.schema} {
		b, err := section(f, name)
		if err != nil {
			return nil, err
		}
		if len(b) != 8 {
			return nil, fmt.Errorf("%w: its %s has %d bytes", errNoProbe, name, len(b))
		}
		*to = o.order.Uint64(b)
	}
	symbols, err := f.Symbols()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoProbe, err)
	}
	if err := o.readMaps(f, symbols); err != nil {
		return nil, err
	}
	return o, o.readPrograms(f, symbols)
}

// section returns what a section holds.
func section(f *elf.File, name string) ([]byte, error) {
	s := f.Section(name)
	if s == nil {
		return nil, fmt.Errorf("%w: it has no section %q", errNoProbe, name)
	}
	return sectionData(s)
}

func sectionData(s *elf.Section) ([]byte, error) {
	if s.Size > maxObject || s.Type == elf.SHT_NOBITS {
		return nil, fmt.Errorf("%w: its section %q is too large", errNoProbe, s.Name)
	}
	b, err := s.Data()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoProbe, err)
	}
	return b, nil
}

func (o *classicObject) readMaps(f *elf.File, symbols []elf.Symbol) error {
	defs, err := section(f, "maps")
	if err != nil {
		return err
	}
	for _, s := range symbols {
		if int(s.Section) >= len(f.Sections) || f.Sections[s.Section].Name != "maps" || s.Name == "" {
			continue
		}
		if s.Value > uint64(len(defs)) || uint64(len(defs))-s.Value < mapDefSize {
			return fmt.Errorf("%w: map %q is outside of its section", errNoProbe, s.Name)
		}
		word := func(i uint64) uint32 { return o.order.Uint32(defs[s.Value+4*i:]) }
		if word(2) > maxMapValue {
			return fmt.Errorf("%w: map %q has values of %d bytes", errNoProbe, s.Name, word(2))
		}
		o.maps[s.Name] = &ebpf.MapSpec{
			Name: s.Name, Type: ebpf.MapType(word(0)), KeySize: word(1), ValueSize: word(2), MaxEntries: word(3), Flags: word(4),
		}
	}
	return nil
}

func (o *classicObject) readPrograms(f *elf.File, symbols []elf.Symbol) error {
	at := make(map[elf.SectionIndex]*classicProgram)
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || int(s.Section) >= len(f.Sections) {
			continue
		}
		sec := f.Sections[s.Section]
		hook, found := strings.CutPrefix(sec.Name, programPrefix)
		group := ""
		if !found {
			if hook, found = strings.CutPrefix(sec.Name, groupPrefix); !strings.HasPrefix(hook, filledPrefix) {
				group, hook, found = strings.Cut(hook, "/")
			}
		}
		if !found || at[s.Section] != nil {
			continue
		}
		code, err := sectionData(sec)
		if err != nil {
			return err
		}
		p := &classicProgram{hook: hook, group: group, code: code, uses: make(map[uint64]string)}
		at[s.Section], o.programs[s.Name] = p, p
	}
	for _, sec := range f.Sections {
		p := at[elf.SectionIndex(sec.Info)]
		if sec.Type != elf.SHT_REL || p == nil {
			continue
		}
		b, err := sectionData(sec)
		if err != nil {
			return err
		}
		for ; len(b) >= 16; b = b[16:] { // Elf64_Rel
			offset, info := o.order.Uint64(b), o.order.Uint64(b[8:])
			i := info >> 32
			if uint32(info) != relocation64 || i == 0 || i > uint64(len(symbols)) || o.maps[symbols[i-1].Name] == nil {
				return fmt.Errorf("%w: its program %q refers to something that is no map", errNoProbe, p.hook)
			}
			p.uses[offset] = symbols[i-1].Name
		}
	}
	return nil
}

// spec returns a program with its maps.
func (o *classicObject) spec(name string, maps map[string]*ebpf.Map) (*ebpf.ProgramSpec, error) {
	p := o.programs[name]
	if p == nil {
		return nil, fmt.Errorf("the probe has no program %q", name)
	}
	insns, err := asm.AppendInstructions(nil, bytes.NewReader(p.code), o.order, "linux")
	if err != nil {
		return nil, fmt.Errorf("read the program %q: %w", name, err)
	}
	var offset uint64
	for i := range insns {
		if used, ok := p.uses[offset]; ok {
			insns[i].Src = asm.PseudoMapFD
			if err := insns[i].AssociateMap(maps[used]); err != nil {
				return nil, fmt.Errorf("read the program %q: %w", name, err)
			}
		}
		offset += insns[i].Size()
	}
	return &ebpf.ProgramSpec{Name: name, Type: o.kind(), Instructions: insns, License: o.license, ByteOrder: o.order}, nil
}
