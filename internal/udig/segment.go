package udig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// The names of the segments, below Dir, and the size of a new ring.
const (
	bufName   = "udig_buf"
	descsName = "udig_descs"
	ringSize  = 8 << 20 // bytes
)

// Dir is where shared memory is (shm_overview(7)).
const Dir = "/dev/shm"

// segmentMode is the mode that libscap gives both segments, whatever the umask: a
// producer may be any user.
const segmentMode = 0o666

// A segment is shared memory, mapped.
type segment struct {
	f    *os.File
	mem  []byte
	name string
}

// openSegment opens a segment, or creates it with a size. Its own size must pass fits.
func openSegment(dir, name string, size int64, fits func(size int64) error) (*segment, error) {
	path := filepath.Join(dir, name)
	s := &segment{name: path}
	const flags = unix.O_RDWR | unix.O_CLOEXEC | unix.O_NOFOLLOW | unix.O_NONBLOCK
	for s.f == nil {
		// Without O_CREAT first: in a directory like /tmp that would fail for the
		// file of another user (fs.protected_regular, proc(5)).
		f, err := os.OpenFile(path, flags, 0)
		if errors.Is(err, fs.ErrNotExist) {
			if f, err = create(path, size); errors.Is(err, fs.ErrExist) {
				continue // another producer was faster
			}
		}
		if err != nil {
			return nil, sane(path, err)
		}
		s.f = f
	}
	err := s.mapped(fits)
	if err != nil {
		s.f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// create makes a segment of zeros. It has its size before it has its name, so that
// nobody maps it half made.
func create(path string, size int64) (*os.File, error) {
	f, err := os.OpenFile(filepath.Dir(path), unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, segmentMode)
	if err != nil {
		return nil, err
	}
	err = f.Chmod(segmentMode) // what the umask took
	if err == nil {
		// Set aside now: later it would be a bus error.
		err = unix.Fallocate(int(f.Fd()), 0, 0, size)
	}
	if err == nil {
		err = unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", f.Fd()), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (s *segment) mapped(fits func(size int64) error) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(s.f.Fd()), &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errors.New("is no shared memory")
	}
	if err := fits(st.Size); err != nil {
		return err
	}
	mem, err := unix.Mmap(int(s.f.Fd()), 0, int(st.Size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	s.mem = mem
	return err
}

func (s *segment) close() {
	if s.mem != nil {
		_ = unix.Munmap(s.mem)
	}
	s.f.Close()
}

// sane words an error of a segment.
func sane(path string, err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		switch errno {
		case unix.ELOOP:
			return fmt.Errorf("%s: is a symbolic link", path)
		case unix.ENOSPC:
			return fmt.Errorf("%s: no room in shared memory for %d MiB; a container may need a larger /dev/shm", path, ringSize>>20)
		}
		return fmt.Errorf("%s: %w", path, errno)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// fitsRing says whether libscap would take a ring of a size (check_buffer_bytes_dim).
func fitsRing(size int64) error {
	page := int64(os.Getpagesize())
	if size <= 2*page || size > 1<<30 || size&(size-1) != 0 {
		return fmt.Errorf("has %d bytes: no ring, which has a power of two, more than two pages", size)
	}
	return nil
}

// fits says whether a segment of a size has the layout.
func (l Layout) fits(size int64) error {
	if size == int64(l.size()) {
		return nil
	}
	for _, o := range layouts {
		if size == int64(o.size()) {
			return fmt.Errorf("is for readers of --udig-layout %s, not %s; if nobody uses it, remove it", o.Name, l.Name)
		}
	}
	return fmt.Errorf("has %d bytes, which is none of the known layouts; if nobody uses it, remove it", size)
}
