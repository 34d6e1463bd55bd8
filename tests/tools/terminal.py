#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own and answers what it asks.

    terminal.py [--out FILE] [--seconds N] [EXPECT ANSWER]... -- COMMAND...

Waits until EXPECT has come, then types ANSWER, in which escapes are as in
Python: "\\r" is the enter key, "\\x03" is control-C. An EXPECT of the form
file:NAME waits until that file is there. The pairs are worked off in order.
All that the command wrote to the terminal goes to standard output, its exit
code is ours. With --out its standard output is FILE instead of the terminal.
An EXPECT that does not come within --seconds (default 20) is exit code 99, and
the command is killed.
"""
import fcntl
import os
import pty
import select
import signal
import sys
import termios
import time


def parse(argv):
    out, seconds, pairs = None, 20.0, []
    at = 0
    while argv[at] in ("--out", "--seconds"):
        if argv[at] == "--out":
            out = argv[at + 1]
        else:
            seconds = float(argv[at + 1])
        at += 2
    while argv[at] != "--":
        answer = argv[at + 1].encode().decode("unicode_escape").encode("latin-1")
        pairs.append((argv[at].encode(), answer))
        at += 2
    return out, seconds, pairs, argv[at + 1:]


def start(argv, out):
    pid, fd = pty.fork()
    if pid == 0:
        if out:
            os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 1)
        os.execvp(argv[0], argv)
    return pid, fd


def came(expect, seen):
    """What is left to look at after `expect`, or None."""
    if expect.startswith(b"file:"):
        return seen if os.path.exists(expect[5:]) else None
    at = seen.find(expect)
    return None if at < 0 else seen[at + len(expect):]


def main():
    out, seconds, pairs, argv = parse(sys.argv[1:])
    pid, fd = start(argv, out)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, b"\x28\x00\xa0\x00\x00\x00\x00\x00")
    seen, deadline = b"", time.monotonic() + seconds
    while True:
        while pairs and came(pairs[0][0], seen) is not None:
            expect, answer = pairs.pop(0)
            seen = came(expect, seen)
            os.write(fd, answer)
            deadline = time.monotonic() + seconds
        patience = 0.02 if pairs and pairs[0][0].startswith(b"file:") else seconds
        ready, _, _ = select.select([fd], [], [], patience)
        if not ready and time.monotonic() < deadline:
            continue
        if not ready:
            os.kill(pid, signal.SIGKILL)
            sys.stdout.flush()
            print("terminal.py: nothing came for %s" % (pairs[0][0] if pairs else "the end"))
            sys.exit(99)
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
        sys.stdout.buffer.write(data.replace(b"\r\n", b"\n"))
        sys.stdout.flush()
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if pairs:
        print("terminal.py: it ended before %s came" % pairs[0][0])
        sys.exit(99)
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
