// Package udig writes events into the shared-memory ring from which libscap's udig
// engine reads them: Falco up to 0.36 with --userspace, and sysdig --udig.
//
// In a nutshell: Open joins the two segments in /dev/shm, or creates them; Write puts
// an event behind the head if a consumer is there and there is room, and counts it
// otherwise. It never waits for a consumer. The facts are those of
// userspace/libscap/engine/udig/scap_udig.c and driver/ppm_ringbuffer.h of
// falcosecurity/libs:
//
//	udig_buf    the events, as a ring; a reader maps it twice in a row
//	udig_descs  head and tail, counters (their number depends on the release: a
//	            Layout), then the status: a lock of producers, the pid of the consumer
//
// Several producers may write one ring. The lock in the status is a word that is 0 when
// free; what else it holds is up to who holds it. Ours is a number under which we also
// hold a lock of the file (fcntl(2), open file description locks), at an offset far
// beyond its end: the kernel lets go of that when we die, in whatever namespace, and
// so another producer can tell a dead holder from a slow one.
//
// Everything in the segments may be changed at any time by whoever may write them:
// positions are checked at each use, no loop depends on them, and memory that is gone
// because the file was cut is an error and no crash.
//
// A Ring is for one goroutine at a time.
package udig
