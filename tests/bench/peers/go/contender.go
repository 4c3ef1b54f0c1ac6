// What goroutines take for the works of ../works.ts: contender.ts beside it says what is read and printed.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

func fail(what string) {
	fmt.Fprintln(os.Stderr, what)
	os.Exit(1)
}

func main() {
	if len(os.Args) != 2 {
		fail("Cannot begin: the one argument is the name of a work")
	}
	if os.Args[1] == "echo" {
		serve()
		io.Copy(io.Discard, os.Stdin)
		return
	}
	work, known := works[os.Args[1]]
	if !known {
		fail("Cannot do " + os.Args[1])
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		amount, err := strconv.Atoi(lines.Text())
		if err != nil {
			fail(err.Error())
		}
		start := time.Now()
		answer := work(amount)
		fmt.Printf("{\"ns\":%d,\"answer\":%d}\n", time.Since(start).Nanoseconds(), answer)
	}
}
