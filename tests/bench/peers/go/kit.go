package main

import (
	"context"
	"sync"
	"time"
)

// Goroutines of which the first that fails ends the others, as golang.org/x/sync/errgroup has them.
type group struct {
	context context.Context
	cancel  context.CancelFunc
	all     sync.WaitGroup
	once    sync.Once
	err     error
}

func newGroup(parent context.Context) *group {
	own, cancel := context.WithCancel(parent)
	return &group{context: own, cancel: cancel}
}

func (g *group) start(body func(context.Context) error) {
	g.all.Add(1)
	go func() {
		defer g.all.Done()
		if err := body(g.context); err != nil {
			g.once.Do(func() {
				g.err = err
				g.cancel()
			})
		}
	}()
}

func (g *group) wait() error {
	g.all.Wait()
	g.cancel()
	return g.err
}

// A bucket of tokens: who takes one that is not there yet sleeps until it is, as with golang.org/x/time/rate.
type limiter struct {
	lock   sync.Mutex
	tokens float64
	filled time.Time
}

func newLimiter() *limiter {
	return &limiter{tokens: burst, filled: time.Now()}
}

func (l *limiter) take() {
	l.lock.Lock()
	now := time.Now()
	l.tokens += now.Sub(l.filled).Seconds() * rate
	if l.tokens > burst {
		l.tokens = burst
	}
	l.filled = now
	l.tokens--
	missing := -l.tokens
	l.lock.Unlock()
	if missing > 0 {
		time.Sleep(time.Duration(missing / rate * float64(time.Second)))
	}
}
