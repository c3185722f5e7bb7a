package spec

import "testing"

// TestWords wants words for what every filler yields, and no others.
func TestWords(t *testing.T) {
	used := map[string]bool{}
	for i := range Events {
		e := &Events[i]
		if e.In == None {
			continue
		}
		for j := range e.Params {
			p := &e.Params[j]
			if e.Words(p) == "" {
				t.Errorf("%s: no words for %s", e.Filler, p.Name)
			}
			if p.From.Op == NoOp {
				key := e.Filler + "." + p.Name
				if _, ok := fillerWords[key]; !ok {
					key = p.Name
				}
				used[key] = true
			}
		}
	}
	for key := range fillerWords {
		if !used[key] {
			t.Errorf("words for %s, which no filler yields", key)
		}
	}
}
