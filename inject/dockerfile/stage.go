package dockerfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/lannerhq/lanner/inject"
)

// A file is a Dockerfile that was read.
type file struct {
	stages []stage
	args   []string // NAME=DEFAULT of the ARGs before the first stage
	escape rune
}

// A stage is what begins with FROM.
type stage struct {
	index        int
	name         string // "" if it has none
	from         string // what it is based on, as it is written
	platform     string // that of FROM, as it is written
	nodes        []*parser.Node
	instructions []string // its lines, continued ones joined
	entrypoints  [][2]int // first and last lines of its ENTRYPOINTs, from 1
	end          int      // its last line, from 1
}

func (s *stage) title() string {
	if s.name != "" {
		return "stage " + s.name
	}
	return "stage " + strconv.Itoa(s.index)
}

// parse reads a Dockerfile.
func parse(text string) (*file, error) {
	result, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		line := 1
		if at, ok := errors.AsType[*parser.LocationError](err); ok && len(at.Locations) > 0 && len(at.Locations[0]) > 0 {
			line = at.Locations[0][0].Start.Line
		}
		return nil, broken(text, line, strings.TrimSpace(err.Error()))
	}
	f := &file{escape: result.EscapeToken}
	for _, n := range result.AST.Children {
		switch at := len(f.stages) - 1; {
		case strings.EqualFold(n.Value, "FROM"):
			s := stage{index: len(f.stages)}
			if err := s.readFrom(text, n); err != nil {
				return nil, err
			}
			f.stages = append(f.stages, s)
		case at >= 0:
			f.stages[at].nodes = append(f.stages[at].nodes, n)
			if strings.EqualFold(n.Value, "ENTRYPOINT") {
				f.stages[at].entrypoints = append(f.stages[at].entrypoints, [2]int{n.StartLine, n.EndLine})
			}
		case strings.EqualFold(n.Value, "ARG"):
			for a := n.Next; a != nil; a = a.Next {
				f.arg(a.Value)
			}
			continue
		default:
			return nil, broken(text, n.StartLine, fmt.Sprintf("%s before the first FROM", strings.ToUpper(n.Value)))
		}
		s := &f.stages[len(f.stages)-1]
		s.instructions = append(s.instructions, n.Original)
		s.end = n.EndLine
	}
	if len(f.stages) == 0 {
		return nil, broken(text, 1, "there is no FROM")
	}
	return f, nil
}

// readFrom reads FROM [--platform=P] IMAGE [AS NAME].
func (s *stage) readFrom(text string, n *parser.Node) error {
	var words []string
	for w := n.Next; w != nil; w = w.Next {
		words = append(words, w.Value)
	}
	switch {
	case len(words) == 3 && strings.EqualFold(words[1], "AS"):
		s.name = words[2]
	case len(words) != 1:
		return broken(text, n.StartLine, "FROM takes an image, or an image AS a name")
	}
	s.from = words[0]
	for _, flag := range n.Flags {
		if p, ok := strings.CutPrefix(flag, "--platform="); ok {
			s.platform = p
		}
	}
	return nil
}

// arg takes the default of an ARG in, in which those before it may stand.
func (f *file) arg(text string) {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return
	}
	if value, ok = f.expand(value); ok {
		f.args = append(f.args, name+"="+value)
	}
}

// expand puts the defaults of ARGs into a text, and reports whether all that stand in
// it have one.
func (f *file) expand(text string) (string, bool) {
	word, unset, err := shell.NewLex(f.escape).ProcessWord(text, shell.EnvsFromSlice(f.args))
	return word, err == nil && len(unset) == 0
}

// byName finds a stage by name or number, among the first ones; nil if there is none.
func (f *file) byName(name string, first int) *stage {
	for i := first - 1; i >= 0; i-- {
		if s := &f.stages[i]; s.name != "" && strings.EqualFold(s.name, name) || strconv.Itoa(i) == name {
			return s
		}
	}
	return nil
}

// A start is what an image of a stage starts.
type start struct {
	entry, cmd []string // nil: what the base image says
	shell      []string // for instructions in shell form
	ownCmd     bool     // CMD is an instruction of the stage itself
	image      string   // the base image, "" for scratch
	platform   string   // as FROM says
	unknown    string   // the base image as it is written, if it depends on arguments without defaults
}

// start follows what a stage starts through those that it is based on.
func (f *file) start(s *stage) (start, error) {
	st := start{shell: []string{"/bin/sh", "-c"}, platform: s.platform}
	from, known := f.expand(s.from)
	base := f.byStage(from, s.index)
	switch {
	case base != nil:
		var err error
		if st, err = f.start(base); err != nil {
			return st, err
		}
		st.ownCmd = false
	case from == "scratch":
		st.entry = []string{}
	case !known || from == "":
		st.unknown = s.from
	default:
		st.image = from
	}
	for _, n := range s.nodes {
		words, exec := arguments(n)
		name := strings.ToUpper(n.Value)
		if !exec && (name == "ENTRYPOINT" || name == "CMD") {
			if len(words) == 0 {
				return st, inject.Skip(fmt.Sprintf("its %s has no arguments", name))
			}
			words = append(append([]string{}, st.shell...), words...)
		}
		switch name {
		case "SHELL":
			st.shell = words
		case "CMD":
			st.cmd, st.ownCmd = words, true
		case "ENTRYPOINT":
			st.entry = words
			if !st.ownCmd {
				st.cmd = nil
			}
		}
	}
	return st, nil
}

// byStage finds the stage that a FROM names: an earlier one, by its name alone.
func (f *file) byStage(name string, first int) *stage {
	for i := first - 1; i >= 0; i-- {
		if s := &f.stages[i]; s.name != "" && strings.EqualFold(s.name, name) {
			return s
		}
	}
	return nil
}

// arguments are an instruction's words, and whether they are in exec form; in shell
// form they are one.
func arguments(n *parser.Node) (words []string, exec bool) {
	words = []string{}
	for a := n.Next; a != nil; a = a.Next {
		words = append(words, a.Value)
	}
	// An empty list has no node that could say what it is.
	exec = n.Attributes["json"] || len(words) == 0 && strings.HasPrefix(strings.TrimSpace(strings.TrimSpace(n.Original)[len(n.Value):]), "[")
	return words, exec
}

// isInstruction reports whether a line is a certain instruction.
func isInstruction(line, name string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	word, _, _ = strings.Cut(word, "\t")
	return strings.EqualFold(word, name)
}
