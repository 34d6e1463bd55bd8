#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command as the foreground job of a terminal, as an interactive shell would.

    job.py [--seconds N] STEP... -- COMMAND...

The steps are done in order: expect=TEXT waits until that has come, type=TEXT
types (escapes are as in Python: "\\r" is the enter key), resize=COLUMNSxROWS,
signal=NAME, stopped waits until the job is stopped and continue lets it go on,
raw waits until the terminal gives the keys through unchanged and usual checks
that it is as it was before.

All that the job wrote goes to standard output, its exit code is ours (128 + a
signal). 99: a step did not come about within --seconds (default 20); the job is
killed. 98: the terminal was not left as it was found.
"""
import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time


class Failed(Exception):
    pass


class Job:
    def __init__(self, argv, seconds):
        self.seconds = seconds
        self.seen = b""
        self.status = None
        self.stopped = False
        os.setsid()
        self.master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        self.resize(80, 24)
        self.before = termios.tcgetattr(self.slave)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        self.pid = os.fork()
        if self.pid == 0:
            os.setpgid(0, 0)
            os.tcsetpgrp(self.slave, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            for fd in 0, 1, 2:
                os.dup2(self.slave, fd)
            os.closerange(3, 64)
            os.execvp(argv[0], argv)

    def resize(self, columns, rows):
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def state(self):
        return termios.tcgetattr(self.slave)

    def is_raw(self):
        return not self.state()[3] & (termios.ICANON | termios.ECHO | termios.ISIG)

    def look(self, patience):
        ready, _, _ = select.select([self.master], [], [], patience)
        if ready:
            data = os.read(self.master, 65536)
            self.seen += data
            sys.stdout.buffer.write(data.replace(b"\r\n", b"\n"))
            sys.stdout.flush()
        while self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            if pid == 0:
                break
            if os.WIFSTOPPED(status):
                self.stopped = True
                break
            self.status = status
        return bool(ready)

    def wait(self, what, done):
        deadline = time.monotonic() + self.seconds
        while not done():
            if time.monotonic() > deadline:
                raise Failed("nothing came for " + what)
            if self.status is not None and not self.look(0):
                if done():
                    return
                raise Failed("it ended before " + what)
            self.look(0.02)

    def expect(self, text):
        self.wait(text.decode(), lambda: text in self.seen)
        self.seen = self.seen[self.seen.index(text) + len(text):]

    def step(self, step):
        name, _, value = step.partition("=")
        text = value.encode().decode("unicode_escape").encode("latin-1")
        if name == "expect":
            self.expect(text)
        elif name == "type":
            os.write(self.master, text)
        elif name == "resize":
            self.resize(*map(int, value.split("x")))
        elif name == "signal":
            os.kill(self.pid, getattr(signal, "SIG" + value))
        elif name == "stopped":
            self.wait("the job to stop", lambda: self.stopped)
        elif name == "continue":
            self.stopped = False
            os.killpg(self.pid, signal.SIGCONT)
        elif name == "raw":
            self.wait("a raw terminal", self.is_raw)
        elif name == "usual" and self.state() != self.before:
            raise Failed("the terminal is not as before")
        elif name != "usual":
            raise Failed("what is %s?" % name)

    def run(self, steps):
        for step in steps:
            self.step(step)
        self.wait("its end", lambda: self.status is not None)
        while self.look(0):
            pass
        if self.state() != self.before:
            print("job.py: the terminal was not left as it was found")
            return 98
        code = os.waitstatus_to_exitcode(self.status)
        return code if code >= 0 else 128 - code


def main():
    argv, seconds = sys.argv[1:], 20.0
    if argv[0] == "--seconds":
        seconds, argv = float(argv[1]), argv[2:]
    at = argv.index("--")
    middle = os.fork()
    if middle:  # a group leader cannot lead a session
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(middle, 0)[1]))
    job = Job(argv[at + 1:], seconds)
    try:
        code = job.run(argv[:at])
    except Failed as e:
        print("job.py: %s" % e)
        if job.status is None:
            os.killpg(job.pid, signal.SIGKILL)
        code = 99
    sys.stdout.flush()
    os._exit(code)


main()
