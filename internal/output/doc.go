// Package output turns events into text and JSON, or counts them.
//
// In a nutshell: NewText, NewFormat and NewJSON each return a Writer; its Write
// takes an event that was applied to a state.State just before. NewSummary returns
// one that only counts. All of them
// render parameters by one renderer (render.go), which prints values as the
// sysdig CLI does: fd=3(<f>/etc/hosts), res=-2(ENOENT), flags=1(O_RDONLY). The
// fields of formats are one table (Fields).
//
//	src -> state.Apply -> Writer.Write -> bufio -> w
//
// What comes from traced programs is not trusted: bytes that a terminal would
// act on never reach the output, and JSON is always valid UTF-8.
//
// Output is buffered until Flush. Once its buffers have grown, text is written
// without allocating memory. Writers are for one goroutine.
package output
