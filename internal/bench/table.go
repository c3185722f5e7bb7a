package main

import (
	"bufio"
	"io"
	"strings"
	"unicode/utf8"
)

// A table has a head. The first column has names, the others have figures, or
// words.
type table struct {
	title string
	head  []string
	rows  [][]string
	words bool
}

// text writes the table for a terminal.
func (t table) text(w io.Writer) error {
	widths := make([]int, len(t.head))
	for _, row := range t.all() {
		for i, s := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(s))
		}
	}
	out := bufio.NewWriter(w)
	out.WriteString(t.title + "\n")
	for _, row := range t.all() {
		var line strings.Builder
		for i, s := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(s))
			if i == 0 || t.words {
				line.WriteString("  " + s + pad)
			} else {
				line.WriteString("  " + pad + s)
			}
		}
		if l := strings.TrimRight(line.String(), " "); l != "" { // some heads are empty
			out.WriteString(l + "\n")
		}
	}
	out.WriteString("\n")
	return out.Flush()
}

// markdown writes the table for a document.
func (t table) markdown(w io.Writer) error {
	column := " ---: |"
	if t.words {
		column = " --- |"
	}
	out := bufio.NewWriter(w)
	out.WriteString("**" + t.title + "**\n\n")
	for i, row := range t.all() {
		out.WriteString("|")
		for _, s := range row {
			// A bar would end the cell.
			out.WriteString(" " + strings.ReplaceAll(s, "|", "\\|") + " |")
		}
		out.WriteString("\n")
		if i == 0 {
			out.WriteString("| --- |" + strings.Repeat(column, len(row)-1) + "\n")
		}
	}
	out.WriteString("\n")
	return out.Flush()
}

func (t table) all() [][]string { return append([][]string{t.head}, t.rows...) }
