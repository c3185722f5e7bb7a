package main

import (
	"encoding/json"
	"os"
	"strings"
)

// A table is printed in columns as wide as their widest cell.
type table struct {
	rows    [][]string
	figures int                          // so many columns in front are aligned to the right
	color   func(row, column int) string // escape sequence before a cell, "" for none; nil without colours
}

// The colours of verdicts (ECMA-48, SGR).
const (
	green   = "\x1b[32m"
	red     = "\x1b[31m"
	noColor = "\x1b[0m"
)

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// String lays the table out, a line each row.
func (t *table) String() string {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len(cell))
		}
	}
	var b strings.Builder
	for r, row := range t.rows {
		line := ""
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-len(cell))
			if i < t.figures {
				line += pad + cell + "  "
				continue
			}
			text := cell + pad + "  "
			if t.color != nil {
				if c := t.color(r, i); c != "" {
					text = c + cell + noColor + text[len(cell):]
				}
			}
			line += text
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// printJSON prints a value for programs.
func printJSON(v any) error {
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// colorful reports whether a file shows colours and the user wants them
// (no-color.org).
func colorful(f *os.File) bool {
	return isTerminal(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
