package udig

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/lannerhq/lanner/kernel/event"
)

// TestProducers: several producers write one ring.
func TestProducers(t *testing.T) {
	dir := shm(t)
	const producers, each = 4, 5000
	first := open(t, dir, layouts[0])
	c := consume(t, dir)
	var wg sync.WaitGroup
	for p := range int64(producers) {
		r := first
		if p > 0 {
			r = open(t, dir, layouts[0])
		}
		wg.Go(func() {
			for i := range int64(each) {
				for ev, before := reading(p, i, 10), r.Stats().Written; r.Stats().Written == before; {
					if err := r.Write(ev); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	var next [producers]int64
	for got := 0; got < producers*each; {
		n, err := c.Read(func(ev *event.Event) {
			v, _ := ev.Int(0)
			if v != next[ev.TID()] {
				t.Fatalf("producer %d: event %d, want %d", ev.TID(), v, next[ev.TID()])
			}
			next[ev.TID()]++
		})
		if err != nil {
			t.Fatal(err)
		}
		got += n
		if n == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	wg.Wait()
}

// TestHolderDies: a producer that is killed while it holds the lock costs the others
// nothing; one that is merely stopped costs events, not time.
func TestHolderDies(t *testing.T) {
	dir := shm(t)
	r := open(t, dir, layouts[0])
	c := consume(t, dir)
	holder := exec.Command(os.Args[0], "-test.run", "^TestHold$")
	holder.Env = append(os.Environ(), "UDIG_TEST_HOLD="+dir)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("%q, %v", line, err)
	}
	ev := reading(1, 1, 10)
	begun := time.Now()
	for range 1000 {
		r.Write(ev)
	}
	if st := r.Stats(); st.Locked != 1000 || st.Written != 0 {
		t.Errorf("%+v", st)
	}
	if took := time.Since(begun); took > 10*time.Second { // 1000 times 20 ms is 20 s
		t.Errorf("1000 events took %v", took)
	}
	holder.Process.Kill()
	holder.Wait()
	r.Write(ev)
	if st := r.Stats(); st.Written != 1 {
		t.Errorf("after its death: %+v", st)
	}
	if n, err := c.Read(func(*event.Event) {}); n != 1 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	// A holder that is no producer of ours is waited for a while, once.
	*c.Lock() = 1
	for end := time.Now().Add(30 * time.Second); r.Stats().Written == 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the lock of a stranger is never taken over")
		}
		r.Write(ev)
	}
}

// TestHold holds the lock until it is killed, for TestHolderDies.
func TestHold(t *testing.T) {
	dir := os.Getenv("UDIG_TEST_HOLD")
	if dir == "" {
		t.Skip("is for TestHolderDies")
	}
	r := open(t, dir, layouts[0])
	if !r.lock.take() {
		t.Fatal("not taken")
	}
	fmt.Println("held")
	time.Sleep(time.Hour)
}
