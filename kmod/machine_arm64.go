package kmod

import "github.com/lannerhq/lanner/kernel/event/spec"

const machine = spec.Arm64
