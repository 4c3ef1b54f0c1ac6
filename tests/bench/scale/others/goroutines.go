// Prints the bytes that a goroutine takes: go run goroutines.go sleeping|receiving count
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

func resident() int {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	if err != nil {
		panic(err)
	}
	return pages * os.Getpagesize()
}

func main() {
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	never := make(chan int)
	begun := make(chan bool)
	runtime.GC()
	before := resident()
	for i := 0; i < count; i++ {
		go func() {
			begun <- true
			if os.Args[1] == "sleeping" {
				time.Sleep(time.Hour)
			} else {
				<-never
			}
		}()
	}
	for i := 0; i < count; i++ {
		<-begun
	}
	runtime.GC()
	fmt.Println((resident() - before) / count)
}
