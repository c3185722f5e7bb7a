package driver

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// OnlineCPUs returns the numbers of the CPUs that are up, in order.
func OnlineCPUs() ([]int, error) {
	const name = "/sys/devices/system/cpu/online"
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("find out which CPUs are up: %w", err)
	}
	list, err := parseCPUs(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return list, nil
}

// parseCPUs reads a list like 0-3,6.
func parseCPUs(text string) (list []int, err error) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, err := strconv.Atoi(first)
		to := from
		if err == nil && isRange {
			to, err = strconv.Atoi(last)
		}
		if err != nil || from < 0 || to < from || to > maxCPU {
			return nil, fmt.Errorf("%q is no list of CPUs", text)
		}
		for ; from <= to; from++ {
			list = append(list, from)
		}
	}
	return list, nil
}

const maxCPU = 1 << 16
