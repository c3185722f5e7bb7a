package procfs

import (
	"bytes"
	"fmt"
	"strings"
)

// A Mount is one line of /proc/PID/mountinfo (fs/proc_namespace.c:
// show_mountinfo).
type Mount struct {
	ID    int
	Dev   uint32 // of the superblock, new_encode_dev
	Root  string // path within the file system
	Point string // path of the mount point as the process sees it
	Type  string // file system
	// Upper is the upperdir of an overlay, as the process that mounted it
	// wrote it; empty for other types and for read-only overlays.
	Upper string
}

// ParseMountinfo takes the text of a mountinfo file. It allocates.
func ParseMountinfo(b []byte) ([]Mount, error) {
	var out []Mount
	for len(b) > 0 {
		var line []byte
		line, b = cutLine(b)
		m, ok := parseMount(line)
		if !ok {
			return out, fmt.Errorf("parse mountinfo: line %q: %w", clip(line), errFormat)
		}
		out = append(out, m)
	}
	return out, nil
}

func parseMount(line []byte) (m Mount, ok bool) {
	id, rest, ok1 := cutNumber(line)
	_, rest = cutField(rest) // parent
	dev, rest := cutField(rest)
	root, rest := cutField(rest)
	point, rest := cutField(rest)
	colon := bytes.IndexByte(dev, ':')
	sep := bytes.Index(rest, []byte(" - "))
	if !ok1 || colon < 0 || sep < 0 {
		return m, false
	}
	major, ok2 := number(dev[:colon], 10)
	minor, ok3 := number(dev[colon+1:], 10)
	kind, rest := cutField(rest[sep+3:])
	_, rest = cutField(rest) // source
	m = Mount{ID: int(id), Dev: EncodeDev(uint32(major), uint32(minor)), Root: unescape(root), Point: unescape(point), Type: string(kind)}
	if m.Type == "overlay" {
		options, _ := cutField(rest)
		m.Upper = upperDir(options)
	}
	return m, ok2 && ok3
}

// upperDir finds the upperdir option. Overlay escapes commas in paths with a
// backslash, which show_mountinfo prints as \134.
func upperDir(options []byte) string {
	const key = "upperdir="
	i := bytes.Index(options, []byte(","+key))
	if i < 0 {
		return ""
	}
	value := unescape(options[i+1+len(key):])
	var dir strings.Builder
	for i := 0; i < len(value) && value[i] != ','; i++ {
		if value[i] == '\\' && i+1 < len(value) {
			i++
		}
		dir.WriteByte(value[i])
	}
	return dir.String()
}

// unescape undoes the kernel's \ooo (lib/string_helpers.c:string_escape_mem).
func unescape(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b)
	}
	var out strings.Builder
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+3 < len(b) {
			if v, ok := number(b[i+1:i+4], 8); ok && v < 256 {
				out.WriteByte(byte(v))
				i += 3
				continue
			}
		}
		out.WriteByte(b[i])
	}
	return out.String()
}

// EncodeDev packs a device number as the kernel does for user space
// (include/linux/kdev_t.h:new_encode_dev), the contract's form.
func EncodeDev(major, minor uint32) uint32 {
	return minor&0xff | major<<8 | minor&^0xff<<12
}
