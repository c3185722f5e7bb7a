package main

import (
	"strings"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// cDrops is what the kernel drivers count lost events as.
func cDrops() []byte {
	h := newHeader("drops", "Kinds of lost events that are counted apart.")
	h.f("\n#include \"event.h\"\n\nenum drop_category {\n")
	for l := spec.NoLoss + 1; l <= spec.NumLosses; l++ {
		h.f("\t%s,\n", dropConstant(l))
	}
	h.f("\t%s,\t/* in the total only */\n};\n\n", dropConstant(spec.NoLoss))
	h.comment("The kind of an event. Where the type is a constant, so is what comes out.")
	h.f("static __always_inline enum drop_category drop_category(u16 type)\n{\n\tswitch (type) {\n")
	for l := spec.NoLoss + 1; l <= spec.NumLosses; l++ {
		for i := range spec.Events {
			if e := &spec.Events[i]; e.Loss == l {
				h.f("\tcase %s:\n", constant(e))
			}
		}
		h.f("\t\treturn %s;\n", dropConstant(l))
	}
	h.f("\t}\n\treturn %s;\n}\n", dropConstant(spec.NoLoss))
	return h.close()
}

func dropConstant(l spec.Loss) string {
	if l == spec.NoLoss {
		return "DROP_OTHER"
	}
	return "DROP_" + strings.ToUpper(l.String())
}
