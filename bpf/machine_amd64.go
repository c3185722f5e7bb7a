package bpf

import "github.com/lannerhq/lanner/kernel/event/spec"

const machine = spec.X86
