package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/lannerhq/lanner/internal/output"
)

// top is how many rows each table of --summary has; JSON has all.
const top = 10

// writeSummary prints what a Summary has counted.
func writeSummary(w io.Writer, r *output.Report, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	}
	_, err := io.WriteString(w, summaryText(r))
	return err
}

func summaryText(r *output.Report) string {
	text := fmt.Sprintf("%d events in %.3f seconds\n", r.Total, time.Duration(r.Last-r.First).Seconds())
	for _, kind := range []struct {
		title string
		rows  []output.Tally
	}{{"EVENT", r.Events}, {"PROCESS", r.Processes}, {"FILE", r.Files}, {"CONNECTION", r.Connections}} {
		if len(kind.rows) > 0 {
			text += "\n" + summaryTable(kind.title, kind.rows, r.Total)
		}
	}
	return text
}

// summaryTable is one table: figures in front, so that long names do no harm. SECONDS
// are those between the two events of calls, where both are told of: in edition 0.36.
func summaryTable(title string, rows []output.Tally, total uint64) string {
	t := &table{figures: 6}
	t.add("EVENTS", "%", "ERRORS", "SECONDS", "READ", "WRITTEN", title)
	for i := range rows[:min(top, len(rows))] {
		n := &rows[i]
		name := n.Name
		if n.PID != 0 {
			name += fmt.Sprintf(" (%d)", n.PID)
		}
		share := fmt.Sprintf("%.1f", 100*float64(n.Events)/float64(total))
		t.add(strconv.FormatUint(n.Events, 10), share, unlessZero(n.Errors, decimal), unlessZero(n.Time, seconds), unlessZero(n.Read, size), unlessZero(n.Written, size), name)
	}
	text := t.String()
	if more := len(rows) - top; more > 0 {
		text += fmt.Sprintf("... and %d more (--json has all)\n", more)
	}
	return text
}

// unlessZero leaves cells empty that say nothing.
func unlessZero(n uint64, format func(uint64) string) string {
	if n == 0 {
		return ""
	}
	return format(n)
}

func seconds(ns uint64) string { return fmt.Sprintf("%.6f", float64(ns)/1e9) }

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// size words a number of bytes in units of 1024.
func size(n uint64) string {
	if n < 1024 {
		return decimal(n)
	}
	v, unit := float64(n), 0
	for ; v >= 1023.95 && unit < len("KMGTPE"); unit++ { // 1023.95 would be shown as 1024.0
		v /= 1024
	}
	return fmt.Sprintf("%.1f%c", v, "KMGTPE"[unit-1])
}
