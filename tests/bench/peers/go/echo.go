package main

import (
	"fmt"
	"net"
)

// Begins to serve, and prints the port.
func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err.Error())
	}
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				fail(err.Error())
			}
			go echo(conn)
		}
	}()
}

// Not io.Copy, which leaves the copying to the kernel (splice): the bytes are to come through the program, as they do
// in all the others. Go sets TCP_NODELAY by itself.
func echo(conn net.Conn) {
	defer conn.Close()
	buffer := make([]byte, 65536)
	for {
		count, err := conn.Read(buffer)
		if err != nil {
			return
		}
		if _, err := conn.Write(buffer[:count]); err != nil {
			return
		}
	}
}
