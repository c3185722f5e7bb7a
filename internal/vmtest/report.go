package vmtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// A node is a test that ran inside; the root stands for the test binary.
type node struct {
	name     string // the last part
	ran      bool   // false for a part of a name only, as "a" of the subtest "a/b"
	result   string // "pass", "fail", "skip", or "" if it did not come to an end
	output   string
	children []*node
}

// parse turns what a test binary printed under -test.v=test2json into a tree.
func parse(out []byte) (*node, error) {
	cmd := exec.Command("go", "tool", "test2json")
	cmd.Stdin = bytes.NewReader(out)
	events, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("test2json: %w", err)
	}
	root := &node{}
	for d := json.NewDecoder(bytes.NewReader(events)); d.More(); {
		var e struct{ Action, Test, Output string }
		if err := d.Decode(&e); err != nil {
			return nil, fmt.Errorf("test2json: %w", err)
		}
		n := root.find(e.Test)
		switch e.Action {
		case "run":
			n.ran = true
		case "pass", "fail", "skip":
			n.result = e.Action
		case "output":
			if !strings.HasPrefix(e.Output, "=== ") && !strings.HasPrefix(strings.TrimSpace(e.Output), "--- ") {
				n.output += e.Output
			}
		}
	}
	return root, nil
}

// find returns a test by its full name, which it gives a place if it has none.
func (n *node) find(name string) *node {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" {
			break
		}
		n = n.child(part)
	}
	return n
}

func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	c := &node{name: name}
	n.children = append(n.children, c)
	return c
}

// skipped returns the full names of the tests below that were skipped.
func (n *node) skipped() (names []string) {
	for _, c := range n.children {
		if c.result == "skip" {
			names = append(names, c.name)
		}
		for _, name := range c.skipped() {
			names = append(names, c.name+"/"+name)
		}
	}
	return names
}

// count counts the results of the tests below that have none below them.
func (n *node) count(results map[string]int) {
	for _, c := range n.children {
		if len(c.children) == 0 {
			results[c.result]++
		}
		c.count(results)
	}
}

// report repeats a tree's results.
func (n *node) report(t *testing.T) {
	for _, c := range n.children {
		t.Run(c.name, func(t *testing.T) {
			c.report(t)
			fmt.Fprint(t.Output(), c.output)
			switch {
			case c.result == "skip":
				t.SkipNow()
			case c.result == "fail":
				t.Fail()
			case c.ran && c.result == "":
				t.Error("it did not come to an end")
			}
		})
	}
}
