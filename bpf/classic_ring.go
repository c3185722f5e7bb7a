package bpf

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
	"github.com/lannerhq/lanner/kernel/event"
)

// A perfRing is a CPU's perf buffer, mapped (perf_event_open(2), struct
// perf_event_mmap_page): a control page, then the data. Kernels of 2025 and later refuse
// to map the data twice in a row, so what runs over the end is copied.
type perfRing struct {
	driver.Window
	fd    int
	cpu   int
	mem   []byte
	data  []byte
	spill []byte // a record that runs over the end
}

// Offsets in the control page (linux/perf_event.h: struct perf_event_mmap_page).
const (
	perfHead = 1024 // data_head
	perfTail = 1032 // data_tail
)

// Records: a head (type, misc, size), and if it is a sample the length of what the probe
// sent, what it sent, and what rounds that to 8.
const (
	perfRecordHead = 8
	perfSampleHead = perfRecordHead + 4
)

// newPerfRing makes and maps the buffer of a CPU, of size bytes. The reader is woken when
// an eighth is full.
func newPerfRing(cpu, size int) (*perfRing, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_BPF_OUTPUT, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Sample_type: unix.PERF_SAMPLE_RAW, Sample: 1, Bits: unix.PerfBitWatermark, Wakeup: uint32(size / 8),
	}
	fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if errors.Is(err, unix.EACCES) {
		return nil, errors.New("perf_event_open(2) is refused: it takes CAP_PERFMON, and CAP_SYS_ADMIN where kernel.perf_event_paranoid is above 2, as on Debian")
	}
	if err != nil {
		return nil, fmt.Errorf("make the perf buffer of CPU %d: %w", cpu, err)
	}
	page := os.Getpagesize()
	mem, err := unix.Mmap(fd, 0, page+size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if errors.Is(err, unix.EPERM) { // kernel/events/core.c: perf_mmap
		unix.Close(fd)
		return nil, fmt.Errorf("trace may not lock %d KiB of memory for each CPU's perf buffer: ulimit -l unlimited, CAP_SYS_RESOURCE, kernel.perf_event_paranoid=-1, or a smaller --buffer-preset", size>>10)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("map the perf buffer of CPU %d, %d bytes: %w", cpu, size, err)
	}
	r := &perfRing{fd: fd, cpu: cpu, mem: mem, data: mem[page:], spill: make([]byte, 1<<16)}
	r.Mask = uint64(size) - 1
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil {
		r.Close()
		return nil, fmt.Errorf("enable the perf buffer of CPU %d: %w", cpu, err)
	}
	return r, nil
}

func (r *perfRing) Close() {
	unix.Munmap(r.mem)
	unix.Close(r.fd)
}

func (r *perfRing) Produced() uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&r.mem[perfHead])))
}

func (r *perfRing) Free() {
	if r.Freed != r.Pos {
		r.Freed = r.Pos
		atomic.StoreUint64((*uint64)(unsafe.Pointer(&r.mem[perfTail])), r.Pos)
	}
}

// word returns 32 bits at a position; records start at multiples of 8.
func (r *perfRing) word(at uint64) uint32 {
	return *(*uint32)(unsafe.Pointer(&r.data[at&r.Mask]))
}

// Peek makes TS that of the next sample. Other records tell of lost samples, which the
// probe itself counts by what they were.
func (r *perfRing) Peek() bool {
	for r.Pos < r.End {
		kind, size := r.word(r.Pos), uint64(r.word(r.Pos+4)>>16)
		if kind == unix.PERF_RECORD_SAMPLE && size >= perfSampleHead+event.HeaderSize {
			r.TS = uint64(r.word(r.Pos+perfSampleHead)) | uint64(r.word(r.Pos+perfSampleHead+4))<<32
			return true
		}
		r.Pos += max(size, perfRecordHead)
	}
	return false
}

// Take returns what the probe sent with the sample at Pos, which Peek has seen, and moves
// behind it. The bytes are valid until the next Take, or Free.
func (r *perfRing) Take() []byte {
	size := uint64(r.word(r.Pos+4) >> 16)
	from, n := (r.Pos+perfSampleHead)&r.Mask, size-perfSampleHead
	r.Pos += size
	if from+n <= uint64(len(r.data)) {
		return r.data[from : from+n]
	}
	k := copy(r.spill, r.data[from:])
	copy(r.spill[k:n], r.data)
	return r.spill[:n]
}
