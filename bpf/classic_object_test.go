package bpf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/bpf/classic"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// smallProbe is an object with one map and one program, which returns its address.
func smallProbe(kernel string, api, schema uint64) []byte {
	le := binary.LittleEndian
	var mapDef, code, rel, symbols []byte
	for _, word := range []uint32{2, 4, 8, 1, 0, 0, 0} {
		mapDef = le.AppendUint32(mapDef, word)
	}
	code = append(code, 0x18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) // r0 = map
	code = append(code, 0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)
	rel = le.AppendUint64(le.AppendUint64(nil, 0), 1<<32|relocation64) // symbol 1
	names := "\x00settings\x00program\x00"
	symbol := func(name uint32, info byte, section uint16) {
		symbols = le.AppendUint32(symbols, name)
		symbols = append(symbols, info, 0)
		symbols = le.AppendUint16(symbols, section)
		symbols = le.AppendUint64(le.AppendUint64(symbols, 0), 0)
	}
	symbol(0, 0, 0)
	symbol(1, 1<<4|byte(elf.STT_OBJECT), 1)
	symbol(10, 1<<4|byte(elf.STT_FUNC), 2)
	sections := []struct {
		name       string
		kind       elf.SectionType
		data       []byte
		link, info uint32
		size       uint64
	}{
		{},
		{"maps", elf.SHT_PROGBITS, mapDef, 0, 0, 0},
		{"raw_tracepoint/sys_exit", elf.SHT_PROGBITS, code, 0, 0, 0},
		{".rel", elf.SHT_REL, rel, 8, 2, 16},
		{"license", elf.SHT_PROGBITS, []byte("GPL\x00"), 0, 0, 0},
		{"kernel_version", elf.SHT_PROGBITS, []byte(kernel + "\x00"), 0, 0, 0},
		{"api_version", elf.SHT_PROGBITS, le.AppendUint64(nil, api), 0, 0, 0},
		{"schema_version", elf.SHT_PROGBITS, le.AppendUint64(nil, schema), 0, 0, 0},
		{".symtab", elf.SHT_SYMTAB, symbols, 9, 1, 24},
		{".strtab", elf.SHT_STRTAB, []byte(names), 0, 0, 0},
		{".shstrtab", elf.SHT_STRTAB, nil, 0, 0, 0},
	}
	var shstr []byte
	at := make([]uint32, len(sections))
	for i, s := range sections {
		at[i] = uint32(len(shstr))
		shstr = append(append(shstr, s.name...), 0)
	}
	sections[len(sections)-1].data = shstr
	body := make([]byte, 64)
	offsets := make([]int, len(sections))
	for i, s := range sections {
		offsets[i] = len(body)
		body = append(body, s.data...)
	}
	var out bytes.Buffer
	head := elf.Header64{
		Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_BPF), Version: 1, Shoff: uint64(len(body)), Ehsize: 64, Shentsize: 64,
		Shnum: uint16(len(sections)), Shstrndx: uint16(len(sections) - 1),
	}
	copy(head.Ident[:], "\x7fELF\x02\x01\x01")
	_ = binary.Write(&out, le, &head) // a buffer takes everything
	copy(body, out.Bytes())
	out.Reset()
	out.Write(body)
	for i, s := range sections {
		h := elf.Section64{Name: at[i], Type: uint32(s.kind), Off: uint64(offsets[i]), Size: uint64(len(s.data)), Link: s.link, Info: s.info, Entsize: s.size}
		_ = binary.Write(&out, le, &h)
	}
	return out.Bytes()
}

func TestParseClassic(t *testing.T) {
	api, schema := classic.Versions(spec.Current)
	o, err := parseClassic(bytes.NewReader(smallProbe("6.1.0-x", api, schema)))
	if err != nil {
		t.Fatal(err)
	}
	p := o.programs["program"]
	if m := o.maps["settings"]; m == nil || m.ValueSize != 8 || p == nil || p.hook != "sys_exit" || p.uses[0] != "settings" || o.kernel != "6.1.0-x" {
		t.Errorf("%+v, %+v", o, p)
	}
	for _, c := range []struct {
		what        string
		kernel      string
		api, schema uint64
		in          spec.Profile
		want        string // "": it can be used
	}{
		{"the same", "6.1.0-x", api, schema, spec.Current, ""},
		{"a newer schema", "6.1.0-x", api, schema + 1, spec.Current, ""},
		{"an older schema", "6.1.0-x", api, schema - 1, spec.Current, "the probe has schema 4.5.0, and profile current needs 4.5.1"},
		{"another edition", "6.1.0-x", api, schema, spec.V036, "the probe has schema 4.5.1, and profile 0.36 needs 2.10.0"},
		{"another interface", "6.1.0-x", 5 << 44, schema, spec.Current, "the probe has API 5.0.0, and this program needs 10.1.0"},
		{"another kernel", "6.1.0-y", api, schema, spec.Current, "the probe was built for Linux 6.1.0-y, and this is 6.1.0-x"},
	} {
		o, err := parseClassic(bytes.NewReader(smallProbe(c.kernel, c.api, c.schema)))
		if err != nil {
			t.Fatal(err)
		}
		if err := o.check(c.in, "6.1.0-x"); (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
	}
}

// TestOddProbes: what is no probe is refused in one line that names the file.
func TestOddProbes(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join(dir, "none"): "no such file or directory", dir: "this is no file", text: "this is no classic probe", self: "this is no classic probe",
	} {
		_, err := OpenClassic(Config{Profile: spec.Current}, file)
		var pe *ProbeError
		if !errors.As(err, &pe) || !strings.Contains(err.Error(), file+": "+want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
}

func FuzzParseClassic(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("\x7fELF"))
	f.Add(smallProbe("6.1.0", 1, 2))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := parseClassic(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, errNoProbe) {
				t.Errorf("%v does not say that this is no probe", err)
			}
			return
		}
		for name := range o.programs {
			_, _ = o.spec(name, nil) // must not panic
		}
	})
}
