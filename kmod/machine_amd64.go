package kmod

import "github.com/lannerhq/lanner/kernel/event/spec"

const machine = spec.X86
