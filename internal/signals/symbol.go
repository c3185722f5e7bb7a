package signals

import (
	"bytes"
	"debug/elf"
	"os"

	"golang.org/x/sys/unix"
)

// ownSymbols returns the addresses of variables of this program; elf.ErrNoSymbols
// if its file does not tell one of them. It looks for the names alone: to read
// all symbols takes several milliseconds, and each command waits for this.
func ownSymbols(names ...string) ([]uint64, error) {
	file, err := os.Open("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	f, err := elf.NewFile(file)
	if err != nil {
		return nil, err
	}
	table := f.Section(".symtab")
	if f.Type != elf.ET_EXEC || table == nil || int(table.Link) >= len(f.Sections) {
		return nil, elf.ErrNoSymbols // none, or they are elsewhere in memory
	}
	st, err := file.Stat()
	if err != nil {
		return nil, err
	}
	text, err := unix.Mmap(int(file.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	defer unix.Munmap(text)
	symbols, strings := part(text, table), part(text, f.Sections[table.Link])
	addrs := make([]uint64, len(names))
	for i, name := range names {
		at := bytes.Index(strings, []byte("\x00"+name+"\x00")) + 1
		for s := symbols; at > 0 && len(s) >= elf.Sym64Size; s = s[elf.Sym64Size:] {
			if f.ByteOrder.Uint32(s) == uint32(at) { // Elf64_Sym: name, info, other, shndx, value, size
				addrs[i] = f.ByteOrder.Uint64(s[8:])
				break
			}
		}
		if addrs[i] == 0 {
			return nil, elf.ErrNoSymbols
		}
	}
	return addrs, nil
}

// part returns the bytes of a section, none if it is not within the file.
func part(file []byte, s *elf.Section) []byte {
	if s.Offset > uint64(len(file)) || s.FileSize > uint64(len(file))-s.Offset {
		return nil
	}
	return file[s.Offset:][:s.FileSize]
}
