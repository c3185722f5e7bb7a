package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/aymanbagabas/go-udiff"
	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/inject"
)

// A format is a kind of file that can be rewritten.
type format struct {
	name, usage, description string
	between                  string // goes between files on standard output, "" where they can't be joined
	flags                    []cli.Flag
	// rewriter reads the options, and returns what puts trace into the text of one
	// file. It is called once.
	rewriter func(c *cli.Context) (rewriter, error)
	// remove takes it out. It has no options: all that it needs is in the text.
	remove rewriter
}

// undoDescription is that of uninject, for all formats.
const undoDescription = `Takes out of files what inject put into them. It needs nothing but the files: what was
   there before can be told from what is there now.`

type rewriter func(text []byte) ([]byte, []inject.Result, error)

// command is the subcommand of a format.
func (f format) command(remove bool) *cli.Command {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "in-place", Aliases: []string{"i"}, Category: catFiles, Usage: "write each FILE back"},
		&cli.BoolFlag{Name: "check", Category: catFiles, Usage: "write nothing; exit status 1 if something would change"},
		&cli.BoolFlag{Name: "diff", Category: catFiles, Usage: "print the changes instead of the result"},
		&cli.BoolFlag{Name: "explain", Category: catFiles, Usage: "print what becomes of each container instead of the result"},
		&cli.BoolFlag{Name: "json", Category: catFiles, Usage: "with --explain: as JSON"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Category: catFiles, Usage: "don't tell on standard error what was skipped"},
	}
	name, description := "inject uninject "+f.name, undoDescription
	if !remove {
		name, description = "inject "+f.name, f.description
		flags = append(flags, f.flags...)
	}
	return &cli.Command{
		Name:        f.name,
		Usage:       f.usage,
		UsageText:   name + " [options] [FILE...]",
		Description: description,
		Flags:       flags,

		OnUsageError:    usageError,
		HideHelpCommand: true,

		Action: func(c *cli.Context) error { return f.run(c, remove) },
	}
}

// A file is one to be rewritten.
type file struct {
	name    string // "-": standard input
	in, out []byte
	results []inject.Result
}

// run rewrites all files, and only then writes anything.
func (f format) run(c *cli.Context, remove bool) error {
	names := c.Args().Slice()
	if len(names) == 0 {
		names = []string{"-"}
	}
	printed := !c.Bool("in-place") && !c.Bool("check") && !c.Bool("diff") && !c.Bool("explain")
	switch {
	case c.Bool("json") && !c.Bool("explain"):
		return usage("--json goes with --explain")
	case c.Bool("diff") && c.Bool("explain"):
		return usage("either --diff or --explain, not both")
	case c.Bool("in-place") && c.Args().Len() == 0:
		return usage("--in-place takes a FILE")
	case printed && len(names) > 1 && f.between == "":
		return usage("several files take --in-place, --check, --diff or --explain")
	}
	rewrite := f.remove
	if !remove {
		var err error
		if rewrite, err = f.rewriter(c); err != nil {
			return err
		}
	}
	var files []file
	for _, name := range names {
		one := file{name: name}
		var err error
		if one.in, err = read(name); err != nil {
			return err
		}
		if one.out, one.results, err = rewrite(one.in); err != nil {
			return fmt.Errorf("%s: %w", title(name), err)
		}
		files = append(files, one)
	}
	return f.write(c, files, printed)
}

// write puts the results where the options say.
func (f format) write(c *cli.Context, files []file, printed bool) error {
	changed := false
	var all []inject.Result
	var out bytes.Buffer
	for i, one := range files {
		changed = changed || !bytes.Equal(one.in, one.out)
		all = append(all, one.results...)
		switch {
		case c.Bool("diff"):
			out.WriteString(udiff.Unified(title(one.name), title(one.name), string(one.in), string(one.out)))
		case printed:
			if i > 0 && !bytes.HasPrefix(one.out, []byte(f.between)) {
				out.WriteString(f.between)
			}
			out.Write(one.out)
			if i+1 < len(files) && !bytes.HasSuffix(one.out, []byte("\n")) {
				out.WriteByte('\n')
			}
		}
	}
	if c.Bool("explain") {
		if err := explain(&out, all, c.Bool("json")); err != nil {
			return err
		}
	} else if !c.Bool("quiet") {
		for _, r := range all {
			if r.Action == inject.Skipped {
				complain(fmt.Errorf("%s", r))
			}
		}
	}
	if c.Bool("in-place") && !c.Bool("check") {
		for _, one := range files {
			if err := replace(one); err != nil {
				return err
			}
		}
	}
	if _, err := os.Stdout.Write(out.Bytes()); err != nil {
		return err
	}
	if c.Bool("check") && changed {
		return errChanges
	}
	return nil
}

// explain prints results as a table or as JSON.
func explain(w io.Writer, results []inject.Result, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if results == nil {
			results = []inject.Result{}
		}
		return enc.Encode(results)
	}
	for _, r := range results {
		fmt.Fprintln(w, r)
	}
	return nil
}

func read(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(name)
}

func title(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// replace writes a file back, beside its name first, so that it is never half written.
func replace(one file) error {
	if one.name == "-" || bytes.Equal(one.in, one.out) {
		return nil
	}
	name, err := filepath.EvalSymlinks(one.name)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return inject.Replace(name, info.Mode().Perm(), func(f *os.File) error {
		_, err := f.Write(one.out)
		return err
	})
}
