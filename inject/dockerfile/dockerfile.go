// Package dockerfile puts trace into the stages of Dockerfiles.
//
// In a nutshell: Rewrite takes out what an earlier run put in (block.go), reads the
// stages with BuildKit's parser (stage.go), follows what the chosen one would start
// through the stages that it is based on, and puts a few lines at its end: a COPY that
// brings trace from its image, and an ENTRYPOINT that starts with it. The ENTRYPOINT
// that was there becomes a comment, so that there is one only. All other lines stay as
// they are.
package dockerfile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
)

// Options say which stages are wrapped: the Containers are names of stages, none
// meaning the last one.
type Options struct {
	inject.Options
}

// Rewrite puts trace into a Dockerfile, or with remove takes it out of it. Only text
// that can't be read is an error, of type *document.Error; a stage that can't be changed
// stays as it is, and its results say why.
func Rewrite(ctx context.Context, file []byte, o Options, remove bool) ([]byte, []inject.Result, error) {
	text, taken := takeOut(string(file))
	if remove {
		if _, err := parse(string(file)); err != nil {
			return nil, nil, err
		}
		result := inject.Result{Workload: "Dockerfile", Action: inject.Removed}
		if taken == 0 {
			result = inject.Result{Workload: "Dockerfile", Action: inject.Skipped, Reason: "trace is not in it"}
		}
		return []byte(text), []inject.Result{result}, nil
	}
	f, err := parse(text)
	if err != nil {
		return nil, nil, err
	}
	var results []inject.Result
	var edits []edit
	for i := range f.stages {
		s := &f.stages[i]
		if !chosen(f, s, &o) {
			continue
		}
		e, err := f.wrap(ctx, s, &o)
		results = append(results, inject.Explain(s.title(), "", err))
		if err == nil {
			edits = append(edits, e)
		}
	}
	for _, name := range o.Containers {
		if f.byName(name, len(f.stages)) == nil {
			results = append(results, inject.Explain("stage "+name, "", inject.Skip("the Dockerfile has no stage of this name")))
		}
	}
	out := putIn(text, edits)
	if err := f.check(out, edits); err != nil {
		for i := range results {
			results[i] = inject.Explain(results[i].Workload, "", err)
		}
		out = text
	}
	return []byte(out), results, nil
}

// chosen reports whether a stage is to be wrapped.
func chosen(f *file, s *stage, o *Options) bool {
	if len(o.Containers) == 0 {
		return s.index == len(f.stages)-1
	}
	return slices.ContainsFunc(o.Containers, func(name string) bool { return f.byName(name, len(f.stages)) == s })
}

// wrap returns what puts trace into a stage.
func (f *file) wrap(ctx context.Context, s *stage, o *Options) (edit, error) {
	start, err := f.start(s)
	switch {
	case err != nil:
		return edit{}, err
	case strings.Contains(start.image, "mcr.microsoft.com/windows"), strings.HasPrefix(start.platform, "windows"):
		return edit{}, inject.Skip("it is for Windows, and trace is for Linux")
	case start.entry == nil && start.unknown != "":
		return edit{}, inject.Skip(fmt.Sprintf("its command is that of %s, which is only known when it is built", start.unknown))
	case start.entry != nil && len(start.entry)+len(start.cmd) == 0:
		return edit{}, inject.Skip("it has no command")
	}
	if f.byName(o.TraceImage, len(f.stages)) != nil {
		return edit{}, inject.Skip(fmt.Sprintf("a stage has the name of the trace image, %s, so COPY would take that", o.TraceImage))
	}
	wrapped, err := o.Wrap(ctx, inject.Start{Entrypoint: start.entry, Args: start.cmd}, inject.Image{Name: start.image})
	if err != nil {
		return edit{}, err
	}
	e := edit{at: s.end, entrypoints: s.entrypoints, lines: []string{
		fmt.Sprintf("COPY --from=%s /trace %s/trace", o.TraceImage, o.Dir),
		"ENTRYPOINT " + execForm(wrapped),
	}}
	if start.cmd != nil && !start.ownCmd { // an ENTRYPOINT forgets the CMD that comes from before its stage
		e.lines = append(e.lines, "CMD "+execForm(start.cmd))
	}
	return e, nil
}

// check reads what comes out: all that was there must be there, and ours after it.
func (f *file) check(out string, edits []edit) error {
	again, err := parse(out)
	odd := inject.Skip("the Dockerfile is written in a way that can't be edited")
	if err != nil || len(again.stages) != len(f.stages) {
		return odd
	}
	for i, s := range f.stages {
		want := slices.Clone(s.instructions)
		for _, e := range edits {
			if e.at == s.end {
				want = slices.DeleteFunc(want, func(line string) bool { return isInstruction(line, "ENTRYPOINT") })
				want = append(want, e.lines...)
			}
		}
		if !slices.Equal(again.stages[i].instructions, want) {
			return odd
		}
	}
	return nil
}

// broken is an error at a line, where its text begins.
func broken(text string, line int, problem string) error {
	column := 1
	if lines := strings.Split(text, "\n"); line >= 1 && line <= len(lines) {
		l := lines[line-1]
		column += len(l) - len(strings.TrimLeft(l, " \t"))
	}
	return &document.Error{Line: max(line, 1), Column: column, Problem: problem}
}
