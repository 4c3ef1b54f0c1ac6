package main

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	coroutines  = 1_000
	ring        = 503
	senders     = 1_000
	subscribers = 100
	children    = 100
	rate        = 100_000
	burst       = 1_000
	takers      = 100
)

func delayOf(index int) time.Duration {
	return time.Duration(index*514_229%1_000_000) * time.Microsecond
}

// What is counted by many goroutines is counted atomically, though here only one runs at a time: it is how Go is
// written, and nowhere is it done once an operation.
var works = map[string]func(int) int{
	"switch": func(amount int) int {
		steps := amount / coroutines
		var begun, sum int64
		var all sync.WaitGroup
		all.Add(coroutines)
		for k := 0; k < coroutines; k++ {
			go func() {
				defer all.Done()
				atomic.AddInt64(&begun, 1)
				for i := 0; i < steps; i++ {
					runtime.Gosched()
				}
				if atomic.LoadInt64(&begun) == coroutines {
					atomic.AddInt64(&sum, int64(steps))
				}
			}()
		}
		all.Wait()
		return int(sum)
	},

	"spawn": func(amount int) int {
		results := make(chan int)
		sum := 0
		for i := 0; i < amount; i++ {
			go short(i, results)
			sum += <-results
		}
		return sum
	},

	"hundreds": func(amount int) int {
		var results [100]int
		var all sync.WaitGroup
		sum := 0
		for next := 0; next < amount; next += 100 {
			all.Add(100)
			for i := range results {
				go func(i, result int) {
					defer all.Done()
					results[i] = result
				}(i, next+i)
			}
			all.Wait()
			for _, result := range results {
				sum += result
			}
		}
		return sum
	},

	"ping-pong": func(amount int) int {
		there, back := make(chan int), make(chan int)
		go func() {
			for i := 0; i < amount; i += 2 {
				back <- <-there + 1
			}
		}()
		last := 0
		for i := 0; i < amount; i += 2 {
			there <- last + 1
			last = <-back
		}
		return last
	},

	"ring": func(amount int) int {
		var nodes [ring]chan int
		for i := range nodes {
			nodes[i] = make(chan int)
		}
		end := make(chan int)
		var all sync.WaitGroup
		all.Add(ring)
		for number := 1; number <= ring; number++ {
			go func(number int, from <-chan int, to chan<- int) {
				defer all.Done()
				for token := range from {
					if token > 0 {
						to <- token - 1
					} else {
						end <- number
					}
				}
			}(number, nodes[number-1], nodes[number%ring])
		}
		nodes[0] <- amount
		last := <-end
		for _, node := range nodes {
			close(node)
		}
		all.Wait()
		return last
	},

	// A sender blocks until its message is taken: so it gives way.
	"fan-in": func(amount int) int {
		channel := make(chan int)
		each := amount / senders
		for k := 0; k < senders; k++ {
			go func(first int) {
				for i := 0; i < each; i++ {
					channel <- first + i
				}
			}(k * each)
		}
		sum := 0
		for i := 0; i < amount; i++ {
			sum += <-channel
		}
		return sum
	},

	// A mutex of Go may be taken again by the one who has just released it, for up to a millisecond.
	"lock": func(amount int) int {
		var lock sync.Mutex
		var all sync.WaitGroup
		counter := 0
		all.Add(2)
		for k := 0; k < 2; k++ {
			go func() {
				defer all.Done()
				for i := 0; i < amount; i += 2 {
					lock.Lock()
					seen := counter
					runtime.Gosched()
					counter = seen + 1
					lock.Unlock()
				}
			}()
		}
		all.Wait()
		return counter
	},

	"queue": func(amount int) int {
		queue := make(chan int, 1)
		go func() {
			for i := 0; i < amount; i++ {
				queue <- i
			}
		}()
		sum := 0
		for i := 0; i < amount; i++ {
			sum += <-queue
		}
		return sum
	},

	// Go has no channel that reaches many: a channel for each of them is the usual way. With room for a message and
	// giving way after each, nobody has to wait to send; without either it takes longer.
	"broadcast": func(amount int) int {
		messages := amount / subscribers
		var channels [subscribers]chan int
		results := make(chan int)
		for k := range channels {
			channels[k] = make(chan int, 1)
			go func(channel <-chan int) {
				inOrder := 0
				for i := 0; i < messages; i++ {
					if <-channel == inOrder {
						inOrder++
					}
				}
				results <- inOrder
			}(channels[k])
		}
		for i := 0; i < messages; i++ {
			for _, channel := range channels {
				channel <- i
			}
			runtime.Gosched()
		}
		sum := 0
		for range channels {
			sum += <-results
		}
		return sum
	},

	"scope": func(amount int) int {
		var sum int64
		for next := 0; next < amount; next += children {
			group := newGroup(context.Background())
			for i := next; i < next+children; i++ {
				index := int64(i)
				group.start(func(context.Context) error {
					atomic.AddInt64(&sum, index)
					return nil
				})
			}
			if err := group.wait(); err != nil {
				fail(err.Error())
			}
		}
		return int(sum)
	},

	"select": func(amount int) int {
		each := amount / 4
		var queues [4]chan int
		for k := range queues {
			queues[k] = make(chan int, 1)
			go func(queue chan<- int, first int) {
				for i := 0; i < each; i++ {
					queue <- first + i
				}
			}(queues[k], each*k)
		}
		sum := 0
		for i := 0; i < amount; i++ {
			select {
			case item := <-queues[0]:
				sum += item
			case item := <-queues[1]:
				sum += item
			case item := <-queues[2]:
				sum += item
			case item := <-queues[3]:
				sum += item
			}
		}
		return sum
	},

	"limiter": func(amount int) int {
		tokens := newLimiter()
		var taken int64
		var all sync.WaitGroup
		all.Add(takers)
		for k := 0; k < takers; k++ {
			go func() {
				defer all.Done()
				for i := 0; i < amount/takers; i++ {
					tokens.take()
					atomic.AddInt64(&taken, 1)
				}
			}()
		}
		all.Wait()
		return int(taken)
	},

	"sleepers": func(amount int) int {
		var woken int64
		var all sync.WaitGroup
		all.Add(amount)
		for i := 0; i < amount; i++ {
			go func(delay time.Duration) {
				defer all.Done()
				time.Sleep(delay)
				atomic.AddInt64(&woken, 1)
			}(delayOf(i))
		}
		all.Wait()
		return int(woken)
	},
}

func short(index int, results chan<- int) {
	results <- index
}
