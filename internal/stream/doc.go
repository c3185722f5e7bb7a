// Package stream carries captures live, from tracers to whoever listens.
//
// In a nutshell: a Sender is a tracer's end; it connects, sends what a capture
// starts with and then events, keeps a bounded number of bytes while nobody takes
// them, and comes back with a fresh snapshot when a connection was lost. A Server is
// the other end: it takes many tracers and is one event.Source, merged by time.
//
//	tracer --- capture format (internal/capture) ---> Server.ReadInto
//
// What goes over the wire is a capture and nothing else, so that any program that
// reads captures may listen. Three things in it are ours. A block in the head that
// others pass over tells who sends (Identity). An event behind each head, for the
// reader's state only, marks its end, so that a listener knows of a tracer whose
// workload is silent. Where events were dropped stands an event that says how many,
// and then a new section: what was missed may have changed any name. docs/streams.md
// has the details.
//
// The listener sends nothing, but for one line of text when it refuses a tracer.
//
// With a token both ends prove that they know it and all is encrypted (token.go);
// without one TCP is for loopback only.
//
// Goroutines: a Sender's methods belong to one goroutine, or to several under one
// lock; a goroutine of its own dials and writes. A Server has one goroutine for each
// tracer, which reads and checks its events; ReadInto merges them and belongs to one
// goroutine. What peers send is bounded before it is kept: see limits in peer.go.
package stream
