// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// What goes wrong where: the name of a phase to an action. Every phase of every
// component asks at() when it begins.
//
//	error[:TEXT]  fail, with this text
//	panic         as a programming mistake would
//	exit          end the process with status 3
//	kill          die by SIGKILL
//	stop          stop the process: it is there and answers nothing
//	hang[:FILE]   make that file, then wait until cancelled
//	deaf[:FILE]   the same for ever, cancelled or not
//	once:FILE     fail if there is no such file, and make it
//	wait:FIFO     wait until somebody writes to it, or cancelled
//	waitdeaf:FIFO the same, and do not care for being cancelled
//	flood         10 MB of log lines, then go on
//	chatter       10 MB on standard output, then go on
//	garbage       bytes that are no frame, to whoever is connected
//	huge          the beginning of a frame of 4 GiB
//	orphan        a frame for a stream that was never opened
//	close         hang up, but live on
type faults map[string]string

func (f faults) at(ctx context.Context, phase string) error {
	action, arg, _ := strings.Cut(f[phase], ":")
	where := "probe: at " + phase
	switch action {
	case "":
		return nil
	case "error":
		if arg == "" {
			arg = "told to fail at " + phase
		}
		return errors.New(arg)
	case "panic":
		panic(where)
	case "exit":
		fmt.Fprintln(os.Stderr, where+": last words")
		os.Exit(3)
	case "kill":
		fmt.Fprintln(os.Stderr, where+": last words")
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "stop":
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case "hang":
		touch(arg)
		<-ctx.Done()
		return ctx.Err()
	case "deaf":
		touch(arg)
		select {}
	case "once":
		if _, err := os.Stat(arg); err != nil {
			touch(arg)
			return errors.New("told to fail once at " + phase)
		}
	case "wait":
		return waitFor(ctx, arg)
	case "waitdeaf":
		return waitFor(context.Background(), arg)
	case "flood", "chatter":
		flood(action)
	case "garbage", "huge", "orphan", "close":
		lie(action)
	default:
		return fmt.Errorf("unknown fault '%s' at %s", action, phase)
	}
	return nil
}

func touch(name string) {
	if name == "" {
		return
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		panic(err)
	}
}

func waitFor(ctx context.Context, fifo string) error {
	opened := make(chan error, 1)
	go func() {
		f, err := os.Open(fifo) // returns when there is a writer
		if err == nil {
			f.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func flood(where string) {
	out := os.Stderr
	if where == "chatter" {
		out = os.Stdout
	}
	line := append(bytes.Repeat([]byte("flood "), 16), '\n')
	for n := 0; n < 10_000_000; n += len(line) {
		out.Write(line)
	}
}

// Speaks on the socket behind the SDK's back.
func lie(how string) {
	fd := socket()
	switch how {
	case "garbage":
		syscall.Write(fd, bytes.Repeat([]byte{0xff}, 64))
	case "huge": // data for stream 1, the main service
		syscall.Write(fd, append([]byte{0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff},
			bytes.Repeat([]byte("huge"), 100_000)...))
	case "orphan":
		syscall.Write(fd, []byte{0, 0, 0, 0, 0, 0, 0x30, 0x39, 0, 0, 0, 4, 'l', 'o', 's', 't'})
	case "close":
		syscall.Shutdown(fd, syscall.SHUT_RDWR)
	}
}

// The connection to whoever started us: the one socket that has a peer.
func socket() int {
	for fd := 3; fd < 256; fd++ {
		if _, err := syscall.Getpeername(fd); err != nil {
			continue
		}
		if name, _ := syscall.Getsockname(fd); isLocal(name) {
			return fd
		}
	}
	panic("probe: not connected")
}

func isLocal(name syscall.Sockaddr) bool {
	switch a := name.(type) {
	case *syscall.SockaddrUnix:
		return true
	case *syscall.SockaddrInet4:
		return net.IP(a.Addr[:]).IsLoopback()
	}
	return false
}
