package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// A fact is one line about the machine.
type fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// facts says where the figures come from.
func facts(trace string) []fact {
	fs := []fact{
		{"kernel", kernel()},
		{"CPUs", fmt.Sprintf("%d usable, %s", runtime.NumCPU(), cpuModel("/proc/cpuinfo"))},
		{"Go", runtime.Version() + " " + runtime.GOARCH},
		{"trace", firstLine(trace, "version")},
	}
	if s := findProgram("strace"); s != "" {
		fs = append(fs, fact{"strace", firstLine(s, "-V")})
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		// Other programs that run meanwhile make figures worthless.
		fs = append(fs, fact{"load before", strings.Join(strings.Fields(string(text))[:3], " ")})
	}
	return fs
}

func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])
}

// cpuModel returns the name of the first CPU; arm64 kernels give none.
func cpuModel(file string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown model"
}

// firstLine returns the first line that a program prints.
func firstLine(program string, args ...string) string {
	out, err := exec.Command(program, args...).Output()
	if err != nil {
		return "unknown version"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}
