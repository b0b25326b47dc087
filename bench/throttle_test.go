package main

import (
	"bytes"
	"io"
	"net"
	"testing"
)

func TestThrottlePassesEverything(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	received := make(chan []byte, 1)
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		data, err := io.ReadAll(connection)
		if err != nil {
			t.Error(err)
		}
		if _, err := connection.Write([]byte("thanks")); err != nil {
			t.Error(err)
		}
		received <- data
	}()
	proxy, err := newThrottle("http://"+listener.Addr().String()+"/account", 100e6)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.stop()
	host, err := hostOf(proxy.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	sent := bytes.Repeat([]byte("0123456789"), 100_000)
	if _, err := connection.Write(sent); err != nil {
		t.Fatal(err)
	}
	if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(connection)
	if err != nil || string(answer) != "thanks" {
		t.Errorf("the answer is %q, %v", answer, err)
	}
	if !bytes.Equal(<-received, sent) {
		t.Error("the server received something else")
	}
}
