package plan

import "testing"

func TestLine(t *testing.T) {
	for _, e := range []End{{}, {Status: 137}, {Error: "no such\nthing"}} {
		out, got, ok := Cut([]byte("text\x00\n\nmore" + e.Line()))
		if e.Error != "" {
			e.Error = "no such thing"
		}
		if !ok || got != e || string(out) != "text\x00\n\nmore" {
			t.Errorf("%+v: %q %+v %v", e, out, got, ok)
		}
	}
	for _, cut := range []string{"", "\n", "text\n", End{}.Line() + "more\n", End{Status: 12}.Line()[:20]} {
		if out, _, ok := Cut([]byte(cut)); ok || string(out) != cut {
			t.Errorf("%q has an end", cut)
		}
	}
}
